"""The events that benchmarks publish."""

import time
from typing import Any

from notifier.domain.values import Status
from tests.benchmarks.stage import Sink, Stage

_DAY = 86_400  # seconds until planned work begins


def an_event(incident: str, component: str, **changes: Any) -> dict[str, Any]:
    """Return an incident's first event: critical, investigating, in Dutch and English, posted now.

    Args:
        incident: The incident's id; event and update are named after it.
        component: The component whose subscribers are notified.
        changes: Keys of the incident to replace, and `status`, which belongs to the update.
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


def publish_and_measure(on: Stage, event: dict[str, Any], expected: int) -> dict[str, float]:
    """Publish one event and wait for all its recipients; times in seconds after the 202."""
    on.sink.reset()
    on.system.call("POST", "/v1/events", event)
    return _delivery_times(on.sink, time.time(), expected)


def _delivery_times(sink: Sink, accepted: float, expected: int) -> dict[str, float]:
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
