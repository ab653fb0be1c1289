"""Webhooks of monitors, alerting tools and event buses, read as reports."""
