"""Every table. The rows of deliveries are explained in docs/decisions/0004-rows-and-batches.md.

SQLAlchemy Core, no ORM: a million deliveries never become Python objects. Hot tables (`delivery`,
`batch`, `verdict`) have no foreign keys: their rows are written in sets, in the transaction that
writes their parent.
"""

from notifier.storage.database.metadata import metadata
from notifier.storage.tables.endpoints import endpoint
from notifier.storage.tables.incidents import (
    announcement,
    channel_state,
    event,
    incident,
    incident_update,
    ordered_at,
)
from notifier.storage.tables.mail import counter, mail_subject, provider_event
from notifier.storage.tables.notifications import attempt, batch, delivery, notification, plan_range, verdict
from notifier.storage.tables.operations import (
    alert,
    api_key,
    audit_entry,
    console_session,
    dead_letter,
    meta,
    metric,
    provider_state,
    pruned,
    worker_process,
)
from notifier.storage.tables.proposals import draft, planned_work, polled_page, signal, signal_alert, template
from notifier.storage.tables.social import account, account_session, post
from notifier.storage.tables.subscribers import erasure, limited_message, opt_out, preference, subscriber, suppression
from notifier.storage.tables.transactional_mail import outbox

# One name for every table: queries import this module.
__all__ = [
    "account",
    "account_session",
    "alert",
    "announcement",
    "api_key",
    "attempt",
    "audit_entry",
    "batch",
    "channel_state",
    "console_session",
    "counter",
    "dead_letter",
    "delivery",
    "draft",
    "endpoint",
    "erasure",
    "event",
    "incident",
    "incident_update",
    "limited_message",
    "mail_subject",
    "meta",
    "metadata",
    "metric",
    "notification",
    "opt_out",
    "ordered_at",
    "outbox",
    "plan_range",
    "planned_work",
    "polled_page",
    "post",
    "preference",
    "provider_event",
    "provider_state",
    "pruned",
    "signal",
    "signal_alert",
    "subscriber",
    "suppression",
    "template",
    "verdict",
    "worker_process",
]
