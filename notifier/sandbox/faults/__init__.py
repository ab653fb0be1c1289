"""Faults on request: what a provider does on a bad day, deterministically."""
