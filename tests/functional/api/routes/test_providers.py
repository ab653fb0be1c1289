"""Providers that fail, over HTTP: who fails since when in whose words, how far the telling has come, and "try now"."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from notifier.doctor.checkup import check_up
from notifier.domain.errors import ChannelStoppedError, DeliveryError, TransientDeliveryError
from notifier.domain.providers.breaker import CLOSED, Breaker
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.operations import provider_states
from tests.functional.api.api_client import Api, a_subscriber, an_event, faults, plan_all

DOWN = TransientDeliveryError(Reason.SERVER_ERROR, "Service [Unavailable]", status=503)
STOPPED = ChannelStoppedError(Reason.AUTH, "the key was revoked", status=401)


def opens(api: Api, name: str = "sandbox", error: DeliveryError = DOWN, channel: Channel = Channel.EMAIL) -> Breaker:
    """Let a provider have failed three times in a row."""
    breaker = CLOSED.after_failure(error, api.container.clock(), streak=3)
    with api.container.database.write() as connection:
        provider_states.save(connection, channel, name, breaker)
    return breaker


def waiting(api: Api, people: int = 3, reason: Reason | None = Reason.BREAKER_OPEN) -> str:
    """Announce to some people, and let their mails wait for `reason`; returns the notification's id."""
    for number in range(1, people + 1):
        api.post("/v1/subscribers", json=a_subscriber(number))
    api.post("/v1/events", json=an_event())
    plan_all(api.container)
    now = api.container.clock()
    waits = {"state": DeliveryState.QUEUED.value, "reason": reason.value if reason else None, "finished_at": None}
    with api.container.database.write() as connection:
        mails = update(t.batch).where(t.batch.c.channel == "email")
        connection.execute(mails.values(**waits, due_at=now + timedelta(minutes=5)))
    items = api.get("/v1/incidents/inc-1/notifications").json()["items"]
    return str(next(item["id"] for item in items if item["channel"] == "email"))


def retried(api: Api) -> list[dict[str, Any]]:
    """What the audit trail says of retries."""
    return [entry for entry in api.get("/v1/audit").json()["items"] if entry["action"] == "deliveries.retried"]


def due_in(api: Api) -> float:
    """Seconds until the first mail batch is due."""
    with api.container.database.read() as connection:
        due = connection.execute(select(t.batch.c.due_at).where(t.batch.c.channel == "email")).scalars().first()
    assert due is not None
    return float((due - api.container.clock()).total_seconds())


def test_each_provider_and_account_is_listed_with_how_it_stands(api: Api) -> None:
    began = opens(api)
    opens(api, "x-nl", STOPPED, Channel.SOCIAL)
    found = {item["name"]: item for item in api.get("/v1/providers").json()["items"]}
    assert set(found) == {"sandbox", "x-nl", "x-en"}
    failing, stopped, well = found["sandbox"], found["x-nl"], found["x-en"]
    assert (failing["kind"], failing["state"], failing["label"]) == ("email", "failing", "mail sandbox")
    assert (failing["last_error"]["status"], failing["last_error"]["detail"]) == (503, "Service [Unavailable]")
    assert failing["since"] == failing["last_error"]["at"]
    assert began.next_probe_at is not None
    assert failing["next_probe_at"] == began.next_probe_at.isoformat().replace("+00:00", "Z")
    assert (stopped["kind"], stopped["state"], stopped["label"]) == ("social", "stopped", "X account x-nl")
    assert (well["state"], well["since"], well["last_error"], well["next_probe_at"]) == ("ok", None, None, None)


@pytest.mark.parametrize(("path", "scope"), [("/v1/providers", "publish"), ("/v1/incidents/inc-1/progress", "publish")])
def test_looking_needs_the_scope_read(api: Api, path: str, scope: str) -> None:
    headers = {"Authorization": f"Bearer {api.key(scope)}"}
    assert api.get(path, headers=headers).status_code == 403


def test_trying_again_needs_the_scope_manage(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key('read', 'publish')}"}
    assert api.post("/v1/deliveries/retry", json={"provider": "sandbox"}, headers=headers).status_code == 403


def test_progress_says_who_was_told_and_what_the_others_wait_for(api: Api) -> None:
    opens(api)
    number = waiting(api)
    found = api.get("/v1/incidents/inc-1/progress").json()
    assert found["incident_id"] == "inc-1"
    mail = found["channels"]["email"]
    assert (mail["notification_id"], mail["recipients"], mail["told"]) == (number, 3, 0)
    assert (mail["waiting"], mail["why"], mail["ended"]) == (3, {"provider_stopped": 3}, {})
    assert mail["first_told_at"] is None
    assert mail["next_attempt_at"] is not None


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (None, "queued"),
        (Reason.SERVER_ERROR, "retry"),
        (Reason.QUIET_HOURS, "quiet_hours"),
        (Reason.HOURLY_LIMIT, "hourly_limit"),
        (Reason.RATE_LIMITED, "rate_limited"),
        (Reason.OUTCOME_UNKNOWN, "in_doubt"),
        (Reason.TRANSLATION, "translation"),
        (Reason.WAITING_FOR_EARLIER, "earlier_message"),
    ],
)
def test_each_wait_has_a_name(api: Api, reason: Reason | None, why: str) -> None:
    waiting(api, reason=reason)
    assert api.get("/v1/incidents/inc-1/progress").json()["channels"]["email"]["why"] == {why: 3}


def test_progress_counts_those_who_fared_otherwise_than_their_batch(api: Api) -> None:
    waiting(api, people=5)
    now = api.container.clock()
    with api.container.database.write() as connection:
        batch = connection.execute(select(t.batch.c.id).where(t.batch.c.channel == "email")).scalars().one()
        mine = select(t.delivery.c.recipient_key).where(t.delivery.c.batch_id == batch)
        keys = list(connection.execute(mine).scalars())
        fates: list[tuple[str, str | None, Any]] = [
            ("delivered", None, None),
            ("failed", "bad_address", None),
            ("queued", "quiet_hours", now + timedelta(hours=1)),
        ]
        for key, (state, reason, due_at) in zip(keys, fates, strict=False):
            fate = update(t.delivery).where(t.delivery.c.recipient_key == key)
            connection.execute(fate.values(state=state, reason=reason, due_at=due_at))
    mail = api.get("/v1/incidents/inc-1/progress").json()["channels"]["email"]
    assert (mail["recipients"], mail["told"], mail["waiting"], mail["ended"]) == (5, 1, 3, {"failed": 1})
    assert mail["why"] == {"quiet_hours": 1, "provider_stopped": 2}
    with api.container.database.write() as connection:
        connection.execute(update(t.batch).where(t.batch.c.id == batch).values(state="accepted", finished_at=now))
    mail = api.get("/v1/incidents/inc-1/progress").json()["channels"]["email"]
    assert (mail["told"], mail["waiting"], mail["ended"]) == (3, 1, {"failed": 1})
    assert mail["first_told_at"] == mail["last_told_at"] is not None


def test_progress_of_what_is_held_says_how_many_it_concerns(api_with: Callable[[str], Api]) -> None:
    api = api_with("[guard]\nneeds_announce = true\n")
    for number in range(4):
        api.post("/v1/subscribers", json=a_subscriber(number))
    api.post("/v1/events", json=an_event(), headers={"Authorization": f"Bearer {api.key('publish')}"})
    mail = api.get("/v1/incidents/inc-1/progress").json()["channels"]["email"]
    assert (mail["state"], mail["told"], mail["waiting"], mail["why"]) == ("held", 0, 4, {"held": 4})
    assert api.post("/v1/deliveries/retry", json={"notification_id": mail["notification_id"]}).json() == {"count": 0}
    assert api.get("/v1/incidents/inc-1/progress").json()["channels"]["email"]["state"] == "held"


def test_progress_of_an_incident_nobody_knows_is_404(api: Api) -> None:
    assert api.get("/v1/incidents/inc-9/progress").status_code == 404


@pytest.mark.parametrize("by", ["notification_id", "provider"])
def test_what_waits_for_a_retry_is_due_now_and_the_trail_says_who_asked(api: Api, by: str) -> None:
    number = waiting(api, reason=Reason.SERVER_ERROR)
    named = {"notification_id": number, "provider": "sandbox"}[by]
    assert api.post("/v1/deliveries/retry", json={by: named}).json() == {"count": 3}
    assert due_in(api) <= 0
    (entry,) = retried(api)
    assert (entry["object_id"], entry["object_kind"]) == (named, by.removesuffix("_id"))


OTHER_WAITS = (
    Reason.QUIET_HOURS,
    Reason.HOURLY_LIMIT,
    Reason.TRANSLATION,
    Reason.RATE_LIMITED,
    Reason.WAITING_FOR_EARLIER,
)


@pytest.mark.parametrize("reason", OTHER_WAITS)
def test_what_waits_for_something_else_goes_on_waiting(api: Api, reason: Reason) -> None:
    number = waiting(api, reason=reason)
    for body in ({"notification_id": number}, {"provider": "sandbox"}):
        assert api.post("/v1/deliveries/retry", json=body).json() == {"count": 0}
    assert due_in(api) > 200


def test_a_doubt_waits_for_its_evidence_where_any_can_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    number = waiting(api, reason=Reason.OUTCOME_UNKNOWN)
    settings = type(api.container.settings)
    monkeypatch.setattr(settings, "mail_evidence", lambda _self, _provider=None: timedelta(seconds=180))
    assert api.post("/v1/deliveries/retry", json={"notification_id": number}).json() == {"count": 0}
    monkeypatch.setattr(settings, "mail_evidence", lambda _self, _provider=None: timedelta(0))
    assert api.post("/v1/deliveries/retry", json={"notification_id": number}).json() == {"count": 3}


def test_a_failing_provider_is_asked_at_once_by_one_batch(api: Api) -> None:
    opens(api, error=STOPPED)
    waiting(api)
    assert api.post("/v1/deliveries/retry", json={"provider": "sandbox"}).json() == {"count": 3}
    with api.container.database.read() as connection:
        circuit = provider_states.of_channel(connection, Channel.EMAIL)["sandbox"]
    assert circuit.probe is not None
    assert due_in(api) <= 0


def test_a_wait_that_a_provider_asked_for_is_granted_whoever_asks(api: Api) -> None:
    asked = TransientDeliveryError(Reason.SERVER_ERROR, "later", status=503, retry_after=timedelta(minutes=10))
    before = opens(api, error=asked)
    waiting(api)
    api.post("/v1/deliveries/retry", json={"provider": "sandbox"})
    with api.container.database.read() as connection:
        assert provider_states.of_channel(connection, Channel.EMAIL)["sandbox"].next_probe_at == before.next_probe_at
    assert due_in(api) > 200


@pytest.mark.parametrize("body", [{}, {"provider": "sandbox", "endpoint_id": "end_1"}])
def test_exactly_one_thing_is_tried_again(api: Api, body: dict[str, str]) -> None:
    answer = api.post("/v1/deliveries/retry", json=body)
    assert answer.status_code == 422
    assert faults(answer) == {"provider": "name exactly one of endpoint_id, notification_id and provider"}


@pytest.mark.parametrize("name", ["endpoint_id", "notification_id", "provider"])
def test_what_does_not_exist_is_404_and_leaves_no_entry(api: Api, name: str) -> None:
    assert api.post("/v1/deliveries/retry", json={name: "nothing"}).status_code == 404
    assert retried(api) == []


def test_metrics_and_doctor_say_that_a_provider_fails(api: Api) -> None:
    opens(api)
    text = api.client.get("/metrics").text
    assert 'notifier_provider_state{channel="email",provider="sandbox",state="failing"} 1.0' in text
    assert 'notifier_provider_failing_since_seconds{channel="email",provider="sandbox"}' in text
    assert 'notifier_breakers_open{channel="email",provider="sandbox"} 1.0' in text
    assert 'notifier_provider_failing_since_seconds{channel="social"' not in text
    (found,) = [one for one in check_up(api.container) if one.name == "mail sandbox"]
    assert found.state == "bad"
    assert "failing since" in found.message
    assert "503 Service [Unavailable]" in found.message
    assert "retry --provider sandbox" in found.remedy
