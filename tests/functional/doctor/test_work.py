"""What `notifier doctor` says of the work: who does it, and what is stuck."""

from datetime import timedelta
from functools import partial

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.doctor.work import check_work
from notifier.domain.values import QueueName
from notifier.services.metrics_buffer import MetricsBuffer
from notifier.services.operations.process_stats import process_stats
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, an_event


def found(container: ApiContainer, name: str) -> list[Finding]:
    return [finding for finding in check_work(container) if finding.name == name]


def live(container: ApiContainer, *names: str) -> None:
    for name in names:
        metrics_buffer = MetricsBuffer(container.database, container.clock, name)
        metrics_buffer.watch(partial(process_stats, name))
        metrics_buffer.close()


def test_it_says_which_lane_nobody_works_on(container_anywhere: ApiContainer) -> None:
    (nobody,) = found(container_anywhere, "processes")
    assert (nobody.state, nobody.remedy != "") == ("warn", True)
    live(container_anywhere, "worker-control", "worker-email", "worker-retry-bulk", "scheduler")
    (some,) = found(container_anywhere, "processes")
    assert (some.state, some.message) == ("bad", "not running: social, webhook")
    live(container_anywhere, *(f"worker-{queue.value}" for queue in QueueName))
    (everybody,) = found(container_anywhere, "processes")
    assert everybody.state == "ok"


def test_it_finds_what_is_stuck_and_says_how_to_mend_it(api_anywhere: Api) -> None:
    container = api_anywhere.container
    assert found(container, "stuck") == []
    api_anywhere.post("/v1/events", json=an_event())
    late = container.clock() - timedelta(minutes=7)
    with container.database.write() as connection:
        connection.execute(t.notification.update().values(created_at=late))
        connection.execute(t.channel_state.update().values(due_at=late))
        connection.execute(
            t.batch.insert().values(
                id=1,
                notification_id=1,
                channel="email",
                lane="email",
                locale="en",
                since=0,
                size=1,
                state="sending",
                settle=False,
                due_at=late,
                attempts=1,
            )
        )
    stuck = found(container, "stuck")
    assert [finding.state for finding in stuck] == ["bad"] * 3
    assert "queue email has batches whose worker disappeared; the oldest is 7 minutes overdue" in stuck[0].message
    assert all(finding.remedy for finding in stuck)


def test_on_postgresql_the_clocks_are_compared(container_anywhere: ApiContainer) -> None:
    clocks = found(container_anywhere, "clock")
    assert [finding.state for finding in clocks] == ([] if container_anywhere.database.is_sqlite else ["ok"])
    ahead = container_anywhere.clock() + timedelta(minutes=1)
    container_anywhere.clock = lambda: ahead
    clocks = found(container_anywhere, "clock")
    assert [finding.state for finding in clocks] == ([] if container_anywhere.database.is_sqlite else ["bad"])
