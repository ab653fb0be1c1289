"""Deterministic fault injection."""
