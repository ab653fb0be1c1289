"""Publish posts: X with tweepy, Mastodon with Mastodon.py, Bluesky with atproto."""
