"""An endpoint whose secret no key opens fails alone: the others of its batch are posted to, and a person is called."""

from dataclasses import replace

from notifier.channels.webhook_keys import new_secret
from notifier.domain.values import Status
from notifier.services.endpoints.secrets import EndpointSecrets, secret_alert_key
from notifier.services.security.secretbox import SecretBox
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.support.fake_endpoints import EndpointHarness, endpoint_harness

DROPPED = EndpointSecrets(SecretBox(["dropped key, 32 characters long.."], "endpoint"))


def current_alerts(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(row.key, row.reason) for row in alerts.current(connection)]


def build_harness(database: Database) -> EndpointHarness:
    harness = endpoint_harness(database)
    harness.endpoint("good")
    harness.endpoint("lost", secrets=DROPPED.first(new_secret()))
    harness.endpoint("veiled", headers=DROPPED.seal_headers({"X-Token": "t"}))
    return harness


def test_the_others_are_posted_to_and_each_that_cannot_be_is_named(database: Database) -> None:
    harness = build_harness(database)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert [len(harness.posted(name)) for name in ("good", "lost", "veiled")] == [1, 0, 0]
    assert harness.states("good") == [("accepted", None, 1)]
    assert [harness.states(name)[0][:2] for name in ("lost", "veiled")] == [("failed", "secret")] * 2
    assert harness.tries("lost") == [(1, "failed", "secret")]
    assert current_alerts(database) == [
        (secret_alert_key("end_lost"), "secret"),
        (secret_alert_key("end_veiled"), "secret"),
    ]


def test_the_alarm_ends_when_the_key_is_listed_again(database: Database) -> None:
    harness = build_harness(database)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.hooks.warm()
    assert len(current_alerts(database)) == 2
    both = SecretBox(["k" * 32, "dropped key, 32 characters long.."], "endpoint")
    mended = replace(harness.hooks, secrets=EndpointSecrets(both))
    mended.warm()
    assert current_alerts(database) == []
