"""Drafts: proposed events that a person edits and publishes. Nobody is notified before that."""
