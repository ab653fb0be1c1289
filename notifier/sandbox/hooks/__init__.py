"""A partner's webhook receiver: verifies signatures, stores requests, misbehaves on request."""
