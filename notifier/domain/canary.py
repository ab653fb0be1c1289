"""The canary: an incident about a part of the platform that does not exist, heard by nobody but its own listeners."""

COMPONENT = "canary"
"""Whoever does not name this component is not concerned by it, not even who wants to hear of every component."""

PREFIX = "canary:"
"""How ids of canary incidents begin. They are on no public page."""
