"""The canary: an incident about a component that does not exist, sent to its own subscribers."""

COMPONENT = "canary"
"""Only recipients who name this component are affected; those who chose all components are not."""

PREFIX = "canary:"
"""Prefix of canary incident ids. They appear on no public page."""
