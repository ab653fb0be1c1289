"""A partner's webhook receiver: verifies Standard Webhooks signatures, keeps what came, and misbehaves on request."""
