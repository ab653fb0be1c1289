"""Local stand-ins for the providers, spoken to over real HTTP by the demo and the tests.

One ASGI application plays SendGrid, X, Mastodon, Bluesky and a partner's webhook receiver as strictly as the real ones,
keeps what arrived, and fails on request. Nothing here leaves the machine, except signed event batches to a URL that the
operator configures.
"""
