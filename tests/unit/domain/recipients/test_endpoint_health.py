from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.recipients.endpoint_health import (
    MAX_PROBES,
    FailureRecord,
    HealthAction,
    HealthPolicy,
    next_action,
    next_probe,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
POLICY = HealthPolicy()


def verdict(*, failing: float, span: float, warned: float | None = None) -> HealthAction:
    """Judge an endpoint that has failed for so many hours, with attempts over so many, and a warning so long ago."""
    since = NOON - timedelta(hours=failing)
    warned_at = None if warned is None else NOON - timedelta(hours=warned)
    record = FailureRecord(failing_since=since, last_failure_at=since + timedelta(hours=span), warned_at=warned_at)
    return next_action(record, NOON, POLICY)


@pytest.mark.parametrize(
    ("failing", "span", "warned", "expected"),
    [
        (71.9, 71.9, None, HealthAction.KEEP),
        (72, 72, None, HealthAction.WARN),
        (240, 11.9, None, HealthAction.KEEP),  # a few failures long ago, and nothing sent since
        (240, 11.9, 100, HealthAction.KEEP),
        (73, 73, 1, HealthAction.KEEP),
        (119.9, 119.9, 47, HealthAction.KEEP),
        (120, 120, 48, HealthAction.DISABLE),
        (120, 12, 48, HealthAction.DISABLE),
        (240, 240, None, HealthAction.WARN),  # never without a warning before
        (241, 241, 1, HealthAction.KEEP),
        (264, 264, 24, HealthAction.DISABLE),
    ],
)
def test_an_endpoint_is_warned_then_disabled(
    failing: float, span: float, warned: float | None, expected: HealthAction
) -> None:
    assert verdict(failing=failing, span=span, warned=warned) is expected


def test_a_disabled_endpoint_is_asked_ever_more_rarely_and_not_for_ever() -> None:
    waits = [next_probe(number, NOON) for number in range(MAX_PROBES + 1)]
    assert waits[0] == NOON + timedelta(hours=1)
    assert waits[1] == NOON + timedelta(hours=2)
    assert waits[6] == waits[MAX_PROBES - 1] == NOON + timedelta(hours=24)
    assert waits[MAX_PROBES] is None
