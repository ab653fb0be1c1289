"""Handing mails to a provider: SendGrid by its HTTP API, any relay by SMTP."""
