"""Status pages of others are polled: what concerns us becomes signals."""
