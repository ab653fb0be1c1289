"""Send mail through a provider: SendGrid over its HTTP API, any relay over SMTP."""
