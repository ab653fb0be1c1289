"""Render messages for every channel, as values of `domain/messages/message.py`. Sends nothing."""
