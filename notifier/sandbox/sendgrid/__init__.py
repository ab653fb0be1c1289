"""SendGrid's Web API v3, as far as a bulk sender meets it: mail send, schedules, suppressions, the Event Webhook."""
