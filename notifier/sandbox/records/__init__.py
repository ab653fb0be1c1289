"""Received messages as JSON, for the demo, tests and acceptance runs."""
