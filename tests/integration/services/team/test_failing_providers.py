"""A provider that fails for minutes: the team hears of it, once per failure, whoever looks."""

from datetime import timedelta

from notifier.domain.providers.breaker import Breaker, ProviderState
from notifier.domain.values import Channel
from notifier.services.providers.status import Providers
from notifier.services.team.failing_providers import PATIENCE, RemindOfFailingProviders
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states
from tests.integration.services.team.test_reminders import TeamDesk


def a_scheduler(desk: TeamDesk) -> RemindOfFailingProviders:
    providers = Providers(desk.database, lambda: {Channel.EMAIL: {"sendgrid": "SendGrid"}})
    return RemindOfFailingProviders(desk.database, desk.clock, providers, desk.team, "https://status.example/console")


def set_state(desk: TeamDesk, state: ProviderState) -> None:
    with desk.database.write() as connection:
        provider_states.save(connection, Channel.EMAIL, "sendgrid", Breaker(state=state, since=desk.clock()))


def test_a_failure_of_minutes_reminds_the_team_once_however_many_schedulers_look(database: Database) -> None:
    desk = TeamDesk(database)
    set_state(desk, ProviderState.FAILING)
    first, second = a_scheduler(desk), a_scheduler(desk)
    desk.clock.advance(seconds=60)
    assert (first.run(), second.run()) == (0, 0)
    desk.clock.advance(seconds=PATIENCE / timedelta(seconds=1))
    assert (first.run(), second.run()) == (1, 0)
    desk.clock.advance(hours=1)
    assert (first.run(), second.run()) == (0, 0)
    desk.posts.run()
    (body,) = desk.hook.bodies
    assert b'"provider_failing"' in body
    assert b'"sendgrid"' in body


def test_the_next_failure_reminds_again_and_a_provider_that_works_does_not(database: Database) -> None:
    desk = TeamDesk(database)
    scheduler = a_scheduler(desk)
    found = []
    for state in (ProviderState.STOPPED, ProviderState.OK, ProviderState.FAILING):
        set_state(desk, state)
        desk.clock.advance(hours=1)
        found.append(scheduler.run())
    assert found == [1, 0, 1]
