"""The log line of an event that was taken in: what became of it, and who handed it in."""

import structlog

from notifier.services.events.ingest import Receipt
from notifier.services.events.integrations import ForeignReceipt
from notifier.services.security.audit import SYSTEM, Actor

_log = structlog.get_logger(__name__)


def log_taken(receipt: Receipt | ForeignReceipt, actor: Actor = SYSTEM) -> None:
    """Log an event."""
    ids = {"event_id": receipt.event_id, "incident_id": receipt.incident_id, "update_id": receipt.update_id}
    log = _log.bind(**ids, author=actor.name, origin=actor.origin)
    log.info("event_taken", outcome=receipt.outcome.value)
    if isinstance(receipt, Receipt) and receipt.reused:
        log.warning("event_id_reused", hint="another content under a known id: nothing was changed")
