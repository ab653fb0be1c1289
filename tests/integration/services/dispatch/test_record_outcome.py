"""What stops a whole provider: an account that was closed, a rate that is used up. Nobody is given up for it."""

from datetime import timedelta

from notifier.channels.base import RateBudget
from notifier.domain.errors import ChannelStoppedError, TransientDeliveryError
from notifier.domain.values import Reason, Status
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.support.email_harness import EmailHarness, Provider, build_harness, states, subscribe

REVOKED = ChannelStoppedError(Reason.AUTH, "the key was revoked", status=401)


def batch_states(harness: EmailHarness) -> list[str]:
    with harness.pipeline.database.read() as connection:
        return [row.key for row in alerts.current(connection)]


def test_a_revoked_key_stops_the_lane_with_an_alarm_fails_nobody_and_goes_on_when_it_is_mended(
    database: Database,
) -> None:
    provider = Provider(name="sendgrid", down=REVOKED)
    harness = build_harness(database, provider, batch_size=1)
    everybody = subscribe(harness, 6)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(60):
        harness.later(10)
    assert states(harness) == {"queued"}
    assert batch_states(harness) == ["email:sendgrid"]
    assert provider.calls <= 14  # about one a minute, however many batches wait
    provider.down = None
    for _ in range(12):
        harness.later(10)
    assert provider.addresses == everybody
    assert batch_states(harness) == []


def test_a_rate_that_is_used_up_is_waited_for_without_using_up_attempts(database: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider, batch_size=1)
    everybody = subscribe(harness, 5)
    provider.rate = RateBudget(remaining=0, limit=1, resets_at=harness.pipeline.now + timedelta(seconds=20))
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert provider.calls == 1
    provider.rate = None
    harness.later(19)
    assert provider.calls == 1
    harness.later(12)
    assert provider.addresses == everybody
    with database.read() as connection:
        assert set(connection.exec_driver_sql("SELECT attempts FROM batch WHERE channel = 'email'").scalars()) == {1}


def test_what_waits_for_the_provider_makes_way_for_newer_news(database: Database) -> None:
    provider = Provider(name="sendgrid", down=REVOKED)
    harness = build_harness(database, provider, batch_size=1)
    everybody = subscribe(harness, 3)
    for status in (Status.INVESTIGATING, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
        harness.later(100)
    provider.down = None
    for _ in range(20):
        harness.later(10)
    assert provider.addresses == everybody
    assert all("Update number 2." in request.content.text for request in provider.requests)


def test_while_the_first_provider_is_down_the_second_tells_and_afterwards_the_first_again(database: Database) -> None:
    first = Provider(name="sendgrid", down=TransientDeliveryError(Reason.UNREACHABLE, "refused"))
    second = Provider(name="smtp")
    harness = build_harness(database, first, second)
    everybody = subscribe(harness, 4)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(3):
        harness.later(10)
    assert (first.addresses, second.addresses) == ([], everybody)
    first.down = None
    harness.later(120)
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    assert (first.addresses, second.addresses) == (everybody, everybody)
