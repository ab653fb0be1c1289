"""Use cases, in short transactions with network calls in between."""
