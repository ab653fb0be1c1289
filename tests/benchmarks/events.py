"""The events a benchmark hands in."""

import time
from typing import Any

from notifier.domain.values import Status
from tests.benchmarks.stage import Sink, Stage

_DAY = 86_400  # seconds from now until planned work begins


def an_event(incident: str, component: str, **changes: Any) -> dict[str, Any]:
    """Return the first event of an incident: critical, investigating, in Dutch and English, posted now.

    Args:
        incident: The incident's id; event and update are named after it.
        component: Whose subscribers hear of it.
        changes: Keys of the incident to lay over what stands here, except `status`, which is the update's.
    """
    now = _written(0)
    status = changes.pop("status", "investigating")
    about = {
        "id": incident,
        "title": {"nl": "Storing", "en": "Outage"},
        "impact": "critical",
        "components": [component],
        "started_at": now,
    }
    if Status(status).is_maintenance:
        about |= {"scheduled_for": _written(_DAY), "scheduled_until": _written(_DAY + 3600)}
    return {
        "id": f"evt-{incident}",
        "incident": about | changes,
        "update": {
            "id": f"upd-{incident}",
            "status": status,
            "body": {"nl": "We zoeken de oorzaak.", "en": "We are looking for the cause."},
            "posted_at": now,
        },
    }


def _written(ahead: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))


def tell(on: Stage, event: dict[str, Any], expected: int) -> dict[str, float]:
    """Hand one event in and wait until the sink has seen everybody; times in seconds after the 202."""
    on.sink.reset()
    on.system.call("POST", "/v1/events", event)
    return _told(on.sink, time.time(), expected)


def _told(sink: Sink, accepted: float, expected: int) -> dict[str, float]:
    stats = sink.wait_for(expected)
    now = time.time()
    return {
        "told": stats["recipients"],
        "requests": stats["requests"],
        "bytes": stats["bytes"],
        "repeats": stats["repeats"],
        "first": (stats["first"] or now) - accepted,
        "last": (stats["last"] or now) - accepted,
    }
