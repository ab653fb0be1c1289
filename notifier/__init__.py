"""Multichannel incident notifications: incident events in, localized messages out."""

__version__ = "0.1.0"
