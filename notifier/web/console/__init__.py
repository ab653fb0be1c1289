"""The operators' console: publish to everyone, see who was notified. In English, like the API."""
