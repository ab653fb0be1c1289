from datetime import timedelta
from typing import Any

from notifier.domain.errors import TransientDeliveryError
from notifier.domain.providers.breaker import ProviderState
from notifier.domain.values import Channel, Reason, Status
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states
from tests.integration.services.providers.test_circuits import failing_harness, second_by_second
from tests.support.email_harness import Provider, build_harness, subscribe


def test_the_ledger_says_since_when_a_provider_fails_and_in_its_own_words(database: Database) -> None:
    harness, provider, _ = failing_harness(database, people=5, batch_size=1)
    began = harness.pipeline.now
    second_by_second(harness, 10)

    def known() -> Any:
        with database.read() as connection:
            return provider_states.of_channel(connection, Channel.EMAIL)["sendgrid"]

    failing = known()
    assert (failing.state, failing.since) == (ProviderState.FAILING, began)
    assert (failing.last_error.status, failing.last_error.detail) == (503, "Service Unavailable")
    assert harness.pipeline.now < failing.next_probe_at <= harness.pipeline.now + timedelta(seconds=2)
    provider.down = None
    second_by_second(harness, 3)
    well = known()
    assert (well.state, well.next_probe_at) == (ProviderState.OK, None)
    assert well.since > began
    assert well.last_error.status == 503


def test_a_provider_that_lets_nobody_call_for_long_works_and_its_words_are_kept(database: Database) -> None:
    spent = TransientDeliveryError(Reason.RATE_LIMITED, "daily limit", status=429, retry_after=timedelta(hours=2))
    harness = build_harness(database, Provider(name="sendgrid", faults=[lambda _request: spent]))
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with database.read() as connection:
        known = provider_states.of_channel(connection, Channel.EMAIL)["sendgrid"]
    assert known.last_error is not None
    assert (known.state, known.last_error.detail) == (ProviderState.OK, "daily limit")


def test_a_provider_that_works_costs_no_write(ledger: Database) -> None:
    harness = build_harness(ledger, Provider(name="sendgrid"), batch_size=1)
    subscribe(harness, 5)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with ledger.read() as connection:
        assert provider_states.everybody(connection) == {}
