"""The only place that builds real objects from settings."""
