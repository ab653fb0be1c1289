"""Local simulators of the providers, used over real HTTP by the demo and the tests.

One ASGI application simulates SendGrid, X, Mastodon, Bluesky and a partner's webhook receiver as
strictly as the real ones, stores what it receives, and fails on request. It sends nothing off the
machine, except signed event batches to a URL that the operator configures.
"""
