"""Publishing posts: X by tweepy, Mastodon by Mastodon.py, Bluesky by atproto."""
