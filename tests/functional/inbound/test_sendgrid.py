import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from notifier.domain.values import DeliveryState
from notifier.services.provider_events.record import REPUTATION_ALERT
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.functional.api.api_client import Api, announced, container_on, deliveries_of, faults, serving
from tests.functional.api.payloads import Json, Signer, a_mail_event, as_batch

EVENTS = "/v1/inbound/sendgrid/events"


def hand_in(api: Api, *events: Json) -> Json:
    answer = api.post(EVENTS, content=as_batch(*events))
    assert answer.status_code == 200
    return dict(answer.json())


def alerts_of(api: Api) -> set[str]:
    with api.container.database.read() as connection:
        return {row.key for row in alerts.current(connection)}


@pytest.fixture
def notification(api_anywhere: Api) -> str:
    return announced(api_anywhere, people=3)


@pytest.fixture
def ids(api_anywhere: Api, notification: str) -> list[str]:
    """The ids of the deliveries to shop-1, shop-2 and shop-3."""
    found = deliveries_of(api_anywhere, notification)
    return [found[f"shop-{number}"]["id"] for number in (1, 2, 3)]


def states(api: Api, notification: str) -> list[tuple[str, str | None]]:
    found = deliveries_of(api, notification)
    return [(found[f"shop-{number}"]["state"], found[f"shop-{number}"]["reason"]) for number in (1, 2, 3)]


def subscriber(api: Api, number: int) -> tuple[str, list[str]]:
    shown = api.get(f"/v1/subscribers/shop-{number}").json()
    return shown["state"], [item["reason"] for item in shown["suppressions"]]


def test_deliveries_become_delivered_bounced_and_blocked(api_anywhere: Api, notification: str, ids: list[str]) -> None:
    told = hand_in(
        api_anywhere,
        a_mail_event(1, "delivered", ids[0], response="250 2.0.0 OK"),
        a_mail_event(2, "bounce", ids[1], type="bounce", bounce_classification="Invalid Address", status="5.1.1"),
        a_mail_event(3, "bounce", ids[2], type="blocked", bounce_classification="Mailbox Unavailable", status="4.2.2"),
    )
    assert told == {"received": 3, "new": 3, "ignored": 0, "unmatched": 0}
    assert states(api_anywhere, notification) == [
        ("delivered", None),
        ("bounced", "bad_address"),
        ("bounced", "rejected"),
    ]
    assert subscriber(api_anywhere, 1) == ("active", [])
    assert subscriber(api_anywhere, 2) == ("suppressed", ["bounced"])
    assert subscriber(api_anywhere, 3) == ("active", [])


def test_events_that_come_again_change_nothing(api_anywhere: Api, notification: str, ids: list[str]) -> None:
    batch = [a_mail_event(1, "delivered", ids[0]), a_mail_event(2, "spamreport", ids[1])]
    hand_in(api_anywhere, *batch)
    before = states(api_anywhere, notification)
    assert hand_in(api_anywhere, *batch, *batch)["new"] == 0
    assert states(api_anywhere, notification) == before
    trail = api_anywhere.get("/v1/audit?object_id=shop-2").json()["items"]
    assert [item["action"] for item in trail] == ["subscriber.suppressed", "subscriber.created"]


@pytest.mark.parametrize(
    ("kinds", "end"),
    [
        (("processed", "deferred", "delivered"), "delivered"),
        (("processed", "delivered", "bounce"), "bounced"),
        (("processed", "dropped"), "suppressed"),
        (("delivered", "dropped", "open"), "delivered"),
    ],
)
def test_the_order_of_events_does_not_matter(api: Api, kinds: tuple[str, ...], end: str) -> None:
    notification = announced(api, people=3)
    delivery = deliveries_of(api, notification)["shop-1"]["id"]
    for number, order in enumerate(permutations(kinds)):
        with api.container.database.write() as connection:
            connection.execute(update(t.delivery).values(state=None))
        for kind in order:
            hand_in(api, a_mail_event(1, kind, delivery, type="bounce", sg_event_id=f"{number}-{kind}"))
        assert (order, states(api, notification)[0][0]) == (order, end)


def test_an_unknown_outcome_is_settled_by_the_events(api_anywhere: Api, notification: str, ids: list[str]) -> None:
    with api_anywhere.container.database.write() as connection:
        connection.execute(
            update(t.batch).values(state=DeliveryState.QUEUED.value, reason="outcome_unknown", attempts=1)
        )
    hand_in(api_anywhere, a_mail_event(1, "processed", ids[0]))
    assert [state for state, _ in states(api_anywhere, notification)] == ["accepted", "queued", "queued"]


def test_one_event_of_a_request_without_an_answer_settles_all_of_it_and_is_counted(
    api_anywhere: Api, notification: str, ids: list[str]
) -> None:
    with api_anywhere.container.database.write() as connection:
        connection.execute(
            update(t.batch).values(state=DeliveryState.QUEUED.value, reason="outcome_unknown", attempts=2)
        )
        (batch,) = connection.execute(select(t.batch.c.id).where(t.batch.c.channel == "email")).scalars()
    later = {"batch": str(batch), "batch_attempt": "3"}  # no such attempt was made
    hand_in(api_anywhere, a_mail_event(1, "deferred", ids[0], **later))
    assert {state for state, _ in states(api_anywhere, notification)} == {"queued"}
    known = {"batch": str(batch), "batch_attempt": "2", "sg_event_id": "another"}
    hand_in(api_anywhere, a_mail_event(1, "deferred", ids[0], **known))
    assert {state for state, _ in states(api_anywhere, notification)} == {"accepted"}
    text = api_anywhere.get("/metrics").text
    assert 'notifier_mail_confirmed_recipients_total{provider="sendgrid"} 3.0' in text


def test_processed_takes_nothing_back(api: Api) -> None:
    notification = announced(api, people=3)
    delivery = deliveries_of(api, notification)["shop-1"]["id"]
    with api.container.database.write() as connection:
        connection.execute(update(t.batch).values(state=DeliveryState.FAILED.value))
    hand_in(api, a_mail_event(1, "processed", delivery))
    assert states(api, notification)[0][0] == "failed"


@pytest.mark.parametrize(
    ("event", "state", "reasons"),
    [
        ({"event": "spamreport"}, "suppressed", ["complained"]),
        ({"event": "unsubscribe"}, "unsubscribed", ["provider_unsubscribed"]),
        ({"event": "group_unsubscribe", "asm_group_id": 10}, "unsubscribed", ["provider_unsubscribed"]),
        ({"event": "dropped", "reason": "Bounced Address"}, "suppressed", ["bounced"]),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed", ["provider_unsubscribed"]),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "suppressed", ["complained"]),
        ({"event": "dropped", "reason": "Invalid"}, "suppressed", ["bounced"]),
        ({"event": "dropped", "reason": "Spam Content"}, "active", []),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "active", []),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, "active", []),
        ({"event": "deferred", "response": "421 4.7.28 later"}, "active", []),
        ({"event": "open", "sg_machine_open": True}, "active", []),
        ({"event": "click", "url": "https://status.example/"}, "active", []),
        ({"event": "group_resubscribe", "asm_group_id": 10}, "active", []),
        ({"event": "something_new", "answer": [42]}, "active", []),
    ],
)
def test_what_each_event_means_for_the_address(api: Api, event: Json, state: str, reasons: list[str]) -> None:
    delivery = deliveries_of(api, announced(api, people=3))["shop-1"]["id"]
    hand_in(api, a_mail_event(1, "", delivery) | event)
    assert subscriber(api, 1) == (state, reasons)
    assert subscriber(api, 2) == ("active", [])


def test_a_suppression_bears_the_day_of_the_event(api: Api) -> None:
    announced(api)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    hand_in(api, a_mail_event(1, "bounce", type="bounce", timestamp=str(int(at.timestamp()))))
    (item,) = api.get("/v1/subscribers/shop-1").json()["suppressions"]
    assert datetime.fromisoformat(item["since"]) == at


def test_a_late_bounce_that_names_the_address_alone_is_understood(api_anywhere: Api) -> None:
    announced(api_anywhere)
    event = a_mail_event(1, "bounce", type="bounce", email=" Owner-1@Example.com")
    del event["sg_message_id"]
    assert hand_in(api_anywhere, event)["unmatched"] == 1
    assert subscriber(api_anywhere, 1) == ("suppressed", ["bounced"])


def test_a_later_opt_in_to_the_same_group_lifts_it(api: Api) -> None:
    announced(api)
    now = int(datetime.now(UTC).timestamp())
    out = a_mail_event(1, "group_unsubscribe", asm_group_id=10, timestamp=now - 100)
    hand_in(api, out)
    hand_in(api, a_mail_event(1, "group_resubscribe", asm_group_id=11, timestamp=now - 50, sg_event_id="other-group"))
    assert subscriber(api, 1)[0] == "unsubscribed"
    hand_in(api, a_mail_event(1, "group_resubscribe", asm_group_id=10, timestamp=now - 200, sg_event_id="too-early"))
    assert subscriber(api, 1)[0] == "unsubscribed"
    hand_in(api, a_mail_event(1, "group_resubscribe", asm_group_id=10, timestamp=now - 50))
    assert subscriber(api, 1) == ("active", [])


def test_an_opt_in_lifts_no_bounce(api: Api) -> None:
    announced(api)
    hand_in(api, a_mail_event(1, "bounce", type="bounce"), a_mail_event(1, "group_resubscribe", asm_group_id=10))
    assert subscriber(api, 1) == ("suppressed", ["bounced"])


def test_bounces_that_blame_the_sender_in_numbers_suppress_nobody(api: Api) -> None:
    notification = announced(api, people=12)
    found = deliveries_of(api, notification, limit=50)
    events = [
        a_mail_event(number, "bounce", found[f"shop-{number}"]["id"], type="bounce", bounce_classification="Reputation")
        for number in range(1, 13)
    ]
    hand_in(api, *events)
    assert [subscriber(api, number) for number in range(1, 13)] == [("active", [])] * 12
    assert alerts_of(api) == {REPUTATION_ALERT}


def test_a_stopped_account_raises_an_alarm_until_it_is_back(api: Api) -> None:
    stop = {
        "event": "account_status_change",
        "type": "compliance_suspend",
        "sg_event_id": "a1",
        "timestamp": 1785578000,
    }
    hand_in(api, stop)
    assert alerts_of(api) == {"email:sendgrid"}
    hand_in(api, stop | {"type": "reactivate", "sg_event_id": "a2", "timestamp": 1785579000})
    assert alerts_of(api) == set()


def test_an_empty_purse_raises_an_alarm(api: Api) -> None:
    hand_in(api, a_mail_event(1, "dropped", reason="Recipient List over Package Quota"))
    assert alerts_of(api) == {"email:sendgrid"}


def test_no_address_stays_behind(api: Api) -> None:
    delivery = deliveries_of(api, announced(api))["shop-1"]["id"]
    reason = "550 5.1.1 <owner-1@example.com>: unknown user (owner-1@example.com)"
    hand_in(
        api, a_mail_event(1, "bounce", delivery, type="bounce", reason=reason, ip="203.0.113.9", useragent="Mail/1")
    )
    with api.container.database.read() as connection:
        (body,) = connection.execute(select(t.provider_event.c.body)).scalars()
    assert body["reason"] == "550 5.1.1 <[address]>: unknown user ([address])"
    assert not {"email", "ip", "useragent", "url"} & body.keys()


ODD: list[Any] = [
    None,
    "delivered",
    42,
    [],
    {},
    {"event": None},
    {"event": "delivered", "delivery_id": 7, "timestamp": "soon", "sg_event_id": ["x"]},
    {"event": "delivered", "delivery_id": "dlv_x_7777777777776", "timestamp": -1},
    {"event": "bounce", "type": "bounce", "email": "x" * 5000, "timestamp": 10**18},
    {"event": "dropped", "reason": {"deep": ["a\u0000b"]}, "sg_event_id": "x" * 500},
    {"event": "delivered", "timestamp": True, "category": ["a", 1]},
]


def test_odd_events_do_not_spoil_a_batch(api_anywhere: Api) -> None:
    delivery = deliveries_of(api_anywhere, announced(api_anywhere))["shop-1"]["id"]
    told = hand_in(api_anywhere, *ODD, a_mail_event(1, "delivered", delivery))
    assert (told["received"], told["ignored"]) == (len(ODD) + 1, 6)
    assert api_anywhere.get(f"/v1/deliveries/{delivery}").json()["state"] == "delivered"


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[{]", 400), (b'{"event": "x"}', 422), (b"\xff", 400)])
def test_what_is_no_batch_is_refused(api: Api, body: bytes, status: int) -> None:
    answer = api.post(EVENTS, content=body)
    assert answer.status_code == status
    assert list(faults(answer)) == ["body"]


def test_many_batches_at_once_are_each_taken_or_asked_to_come_again(api_anywhere: Api) -> None:
    notification = announced(api_anywhere, people=30)
    found = deliveries_of(api_anywhere, notification, limit=100)
    ids_ = [found[f"shop-{number}"]["id"] for number in range(1, 31)]
    first = as_batch(*(a_mail_event(number, "processed", delivery) for number, delivery in enumerate(ids_)))
    second = as_batch(*(a_mail_event(number, "delivered", delivery) for number, delivery in enumerate(reversed(ids_))))
    with ThreadPoolExecutor(6) as pool:
        bodies = [first, second] * 6
        statuses = list(pool.map(lambda body: api_anywhere.client.post(EVENTS, content=body).status_code, bodies))
    assert set(statuses) == {200}
    shown = deliveries_of(api_anywhere, notification, limit=100)
    assert {item["state"] for item in shown.values()} == {"delivered"}


class Signed:
    """An installation that knows SendGrid's verification key."""

    def __init__(self, api: Api, signer: Signer) -> None:
        self.api, self.signer = api, signer

    def post(self, body: bytes, **headers: str) -> int:
        given = {"Authorization": "", **headers}
        return int(self.api.post(EVENTS, content=body, headers=given).status_code)


@pytest.fixture
def signed(sqlite_database: Database, tmp_path: Path) -> Iterator[Signed]:
    signer = Signer()
    built = container_on(sqlite_database, tmp_path, NOTIFIER_SENDGRID_EVENT_PUBLIC_KEY=signer.public_key)
    with serving(built) as api:
        yield Signed(api, signer)
    built.close()


def test_a_signature_is_all_it_takes(signed: Signed) -> None:
    body = as_batch(a_mail_event(1, "delivered"))
    assert signed.post(body, **signed.signer.headers(body)) == 200


def test_a_batch_tried_again_for_a_day_is_still_taken(signed: Signed) -> None:
    body = as_batch(a_mail_event(1, "delivered"))
    assert signed.post(body, **signed.signer.headers(body, age=timedelta(hours=24))) == 200
    assert signed.post(body, **signed.signer.headers(body, age=timedelta(hours=30))) == 403
    assert signed.post(body, **signed.signer.headers(body, age=-timedelta(hours=1))) == 403


def test_a_changed_byte_is_refused(signed: Signed) -> None:
    body = as_batch(a_mail_event(1, "delivered"))
    headers = signed.signer.headers(body)
    assert signed.post(body.replace(b"owner-1", b"owner-2"), **headers) == 403
    assert signed.post(body.rstrip(), **headers) == 403
    assert signed.post(body, **Signer().headers(body)) == 403
    assert signed.post(body) == 403


def test_a_key_does_not_stand_in_for_the_signature(signed: Signed) -> None:
    body = as_batch(a_mail_event(1, "delivered"))
    assert signed.post(body, Authorization=f"Bearer {signed.api.key('publish')}") == 403


def test_without_a_verification_key_a_key_is_needed(api: Api) -> None:
    body = as_batch(a_mail_event(1, "delivered"))
    assert api.post(EVENTS, content=body, headers={"Authorization": ""}).status_code == 401
    assert (
        api.post(f"{EVENTS}?key={api.key('publish')}", content=body, headers={"Authorization": ""}).status_code == 200
    )
    assert api.post(f"{EVENTS}?key=wrong", content=body, headers={"Authorization": ""}).status_code == 401


def test_a_batch_as_large_as_sendgrid_makes_them_is_taken(api: Api) -> None:
    events = [a_mail_event(number, "delivered", reason="x" * 200) for number in range(1600)]
    body = as_batch(*events)
    assert len(body) > 768_000
    assert json.loads(api.post(EVENTS, content=body).content)["new"] == 1600
