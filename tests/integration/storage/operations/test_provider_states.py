from datetime import timedelta
from typing import Any

from notifier.domain.errors import TransientDeliveryError
from notifier.domain.providers.breaker import ProviderState
from notifier.domain.values import Channel, Reason, Status
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states
from tests.integration.services.providers.test_circuits import a_failing_house, second_by_second
from tests.support.email_harness import Provider, a_house, subscribe


def test_the_ledger_says_since_when_a_provider_fails_and_in_its_own_words(database: Database) -> None:
    house, provider, _ = a_failing_house(database, people=5, batch_size=1)
    began = house.pipeline.now
    second_by_second(house, 10)

    def known() -> Any:
        with database.read() as connection:
            return provider_states.of_channel(connection, Channel.EMAIL)["sendgrid"]

    failing = known()
    assert (failing.state, failing.since) == (ProviderState.FAILING, began)
    assert (failing.last_error.status, failing.last_error.detail) == (503, "Service Unavailable")
    assert house.pipeline.now < failing.next_probe_at <= house.pipeline.now + timedelta(seconds=2)
    provider.down = None
    second_by_second(house, 3)
    well = known()
    assert (well.state, well.next_probe_at) == (ProviderState.OK, None)
    assert well.since > began
    assert well.last_error.status == 503


def test_a_provider_that_lets_nobody_call_for_long_works_and_its_words_are_kept(database: Database) -> None:
    spent = TransientDeliveryError(Reason.RATE_LIMITED, "daily limit", status=429, retry_after=timedelta(hours=2))
    house = a_house(database, Provider(name="sendgrid", faults=[lambda _request: spent]))
    subscribe(house, 1)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    with database.read() as connection:
        known = provider_states.of_channel(connection, Channel.EMAIL)["sendgrid"]
    assert known.last_error is not None
    assert (known.state, known.last_error.detail) == (ProviderState.OK, "daily limit")


def test_a_provider_that_works_costs_no_write(ledger: Database) -> None:
    house = a_house(ledger, Provider(name="sendgrid"), batch_size=1)
    subscribe(house, 5)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    with ledger.read() as connection:
        assert provider_states.everybody(connection) == {}
