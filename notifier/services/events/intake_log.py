"""Log ingested events: outcome and actor."""

from notifier.observability import get_logger
from notifier.services.events.ingest import Receipt
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.security.audit import SYSTEM, Actor

_log = get_logger(__name__)


def log_taken(receipt: Receipt | IntegrationReceipt, actor: Actor = SYSTEM) -> None:
    """Log an ingested event."""
    ids = {"event_id": receipt.event_id, "incident_id": receipt.incident_id, "update_id": receipt.update_id}
    whose = {**ids, "author": actor.name, "origin": actor.origin}
    _log.info("event_ingested", outcome=receipt.outcome.value, **whose)
    if isinstance(receipt, Receipt) and receipt.reused:
        _log.warning("event_id_reused", hint="ignored: this id is known with other content", **whose)
