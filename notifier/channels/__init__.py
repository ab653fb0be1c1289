"""Delivery channels: one sub-package each, independent of each other."""
