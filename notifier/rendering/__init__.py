"""Words for every channel: templates, catalogues and limits -> the values of `domain/message.py`. Sends nothing."""
