"""What others send, read into domain values: our own events, and payloads of foreign systems."""
