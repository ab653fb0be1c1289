"""Render messages for every channel into the values of `domain/messages/message.py`. Sends nothing."""
