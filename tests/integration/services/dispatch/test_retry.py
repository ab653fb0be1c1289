from datetime import timedelta

from notifier.domain.values import Status
from notifier.services.dispatch.retry import Retry, RetryOrder
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from tests.support.fake_endpoints import down, endpoint_harness, url_of


def test_what_a_person_asks_for_is_attempted_at_once_and_newer_than_any_workers_breaker(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("weak")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.now += timedelta(seconds=1)
    asked_at = harness.pipeline.now
    retry = Retry(database, harness.pipeline.clock, harness.pipeline.regroup, {}, dict, tuple)
    assert retry.run(RetryOrder(endpoint_id="end_weak"), Actor("tests", "here")) == 1
    harness.work()
    first, second = harness.posted("weak")
    assert first.changed_at is not None
    assert second.changed_at == asked_at > first.changed_at
