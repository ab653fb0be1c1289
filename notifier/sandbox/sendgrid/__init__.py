"""SendGrid's Web API v3 for bulk mail: send, schedules, suppressions, Event Webhook."""
