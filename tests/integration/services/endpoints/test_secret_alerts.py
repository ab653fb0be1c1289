"""An endpoint whose secret no key opens fails alone: the others of its batch are posted to, and a person is called."""

from dataclasses import replace

from notifier.channels.webhook_keys import new_secret
from notifier.domain.values import Status
from notifier.services.endpoints.secrets import EndpointSecrets, secret_alarm
from notifier.services.security.secretbox import SecretBox
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.support.fake_endpoints import Partners, partners

DROPPED = EndpointSecrets(SecretBox(["dropped key, 32 characters long.."], "endpoint"))


def alarmed(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(row.key, row.reason) for row in alerts.current(connection)]


def a_house(database: Database) -> Partners:
    house = partners(database)
    house.endpoint("good")
    house.endpoint("lost", secrets=DROPPED.first(new_secret()))
    house.endpoint("veiled", headers=DROPPED.seal_headers({"X-Token": "t"}))
    return house


def test_the_others_are_posted_to_and_each_that_cannot_be_is_named(database: Database) -> None:
    house = a_house(database)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    assert [len(house.posted(name)) for name in ("good", "lost", "veiled")] == [1, 0, 0]
    assert house.states("good") == [("accepted", None, 1)]
    assert [house.states(name)[0][:2] for name in ("lost", "veiled")] == [("failed", "secret")] * 2
    assert house.tries("lost") == [(1, "failed", "secret")]
    assert alarmed(database) == [(secret_alarm("end_lost"), "secret"), (secret_alarm("end_veiled"), "secret")]


def test_the_alarm_ends_when_the_key_is_listed_again(database: Database) -> None:
    house = a_house(database)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    house.hooks.warm()
    assert len(alarmed(database)) == 2
    both = SecretBox(["k" * 32, "dropped key, 32 characters long.."], "endpoint")
    mended = replace(house.hooks, secrets=EndpointSecrets(both))
    mended.warm()
    assert alarmed(database) == []
