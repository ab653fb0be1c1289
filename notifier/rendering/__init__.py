"""Words for every channel: templates, catalogues and limits -> `domain/messages/message.py`. Sends nothing."""
