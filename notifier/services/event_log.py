"""The log line of an event that was taken in: what became of it, and who handed it in."""

import structlog

from notifier.services.audit import SYSTEM, Actor
from notifier.services.foreign import ForeignReceipt
from notifier.services.ingest import Receipt

_log = structlog.get_logger(__name__)


def log_taken(receipt: Receipt | ForeignReceipt, actor: Actor = SYSTEM) -> None:
    """Log an event; what else this request or task logs names its ids too."""
    structlog.contextvars.bind_contextvars(event_id=receipt.event_id, incident_id=receipt.incident_id)
    facts = {"update_id": receipt.update_id, "outcome": receipt.outcome.value}
    _log.info("event_taken", **facts, author=actor.name, origin=actor.origin)
    if isinstance(receipt, Receipt) and receipt.reused:
        _log.warning("event_id_reused", author=actor.name, hint="another content under a known id: nothing was changed")
