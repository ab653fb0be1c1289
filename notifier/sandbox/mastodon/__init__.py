"""A Mastodon instance: statuses with idempotency, threads, limits."""
