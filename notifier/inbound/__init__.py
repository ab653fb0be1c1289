"""Input from outside, parsed into domain values: our own events and other systems' payloads."""
