"""Every kind of event that SendGrid documents, in one batch, in any order, as often as it likes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from notifier.inbound.sendgrid import SIGNATURE_HEADER, TIMESTAMP_HEADER
from notifier.services.subscribers.expire_sign_ups import ExpireSignUps
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.functional.api.api_client import ADMIN, Api, announced, container_on, deliveries_of, serving
from tests.functional.api.payloads import a_mail_event, as_batch
from tests.unit.inbound.test_sendgrid import (
    PUBLISHED_BODY,
    PUBLISHED_KEY,
    PUBLISHED_SIGNATURE,
    PUBLISHED_TIMESTAMP,
)

EVENTS = "/v1/inbound/sendgrid/events"
# kind, what the reference shows with it; then the delivery's state, the subscriber's, and the suppression's reason.
KINDS: tuple[tuple[str, dict[str, Any], str, str, str | None], ...] = (
    ("processed", {"pool": {"name": "shared", "id": 210}}, "accepted", "active", None),
    ("deferred", {"response": "400 try again later", "attempt": "5"}, "accepted", "active", None),
    ("delivered", {"response": "250 OK", "ip": "198.51.100.7", "tls": 1}, "delivered", "active", None),
    ("open", {"useragent": "Mozilla/5.0", "sg_machine_open": True}, "accepted", "active", None),
    ("click", {"url": "https://x.example", "url_offset": {"index": 0, "type": "html"}}, "accepted", "active", None),
    ("bounce", {"type": "bounce", "reason": "500 unknown", "status": "5.0.0"}, "bounced", "suppressed", "bounced"),
    ("bounce", {"type": "blocked", "reason": "452 over quota", "status": "4.2.2"}, "bounced", "active", None),
    ("dropped", {"reason": "Bounced Address", "status": "5.0.0"}, "suppressed", "suppressed", "bounced"),
    ("dropped", {"reason": "Unsubscribed Address"}, "suppressed", "unsubscribed", "provider_unsubscribed"),
    ("dropped", {"reason": "Spam Reporting Address"}, "suppressed", "suppressed", "complained"),
    ("dropped", {"reason": "Invalid SMTPAPI header"}, "suppressed", "active", None),
    ("spamreport", {"category": "cat facts"}, "accepted", "suppressed", "complained"),
    ("unsubscribe", {"category": ["cat facts"]}, "accepted", "unsubscribed", "provider_unsubscribed"),
    ("group_unsubscribe", {"asm_group_id": 10}, "accepted", "unsubscribed", "provider_unsubscribed"),
    ("group_resubscribe", {"asm_group_id": 10}, "accepted", "active", None),
    ("something_new", {"whatever": [1, {"a": None}]}, "accepted", "active", None),
)


def test_every_documented_kind_does_what_it_means_in_any_order_and_number(api_anywhere: Api) -> None:
    api = api_anywhere
    found = deliveries_of(api, announced(api, people=len(KINDS)), limit=50)
    events = [
        a_mail_event(number, kind, found[f"shop-{number}"]["id"], sg_event_id=f"event-{number}", **further)
        for number, (kind, further, *_) in enumerate(KINDS, start=1)
    ]
    for batch in (events[::-1], events, events + events[::-1]):
        told = api.post(EVENTS, content=as_batch(*batch))
        assert (told.status_code, told.json()["ignored"] / len(batch)) == (200, 3 / len(KINDS))
        people = api.get("/v1/subscribers?limit=50").json()["items"]
        for number, (kind, further, delivery, state, reason) in enumerate(KINDS, start=1):
            person = people[number - 1]
            shown = api.get(f"/v1/deliveries/{found[f'shop-{number}']['id']}").json()["state"]
            reasons = [item["reason"] for item in person["suppressions"]]
            expected = (delivery, state, [reason] if reason else [])
            assert (kind, further, shown, person["state"], reasons) == (kind, further, *expected)
            assert all(item["since"] and item["channel"] == "email" for item in person["suppressions"])


def test_the_published_example_is_taken_as_it_is_and_with_a_changed_byte_refused(
    sqlite_database: Database, tmp_path: Path
) -> None:
    built = container_on(sqlite_database, tmp_path, NOTIFIER_SENDGRID_EVENT_PUBLIC_KEY=PUBLISHED_KEY)
    built.clock = lambda: datetime.fromtimestamp(int(PUBLISHED_TIMESTAMP) + 5, tz=UTC)
    headers = {
        "Authorization": "",
        TIMESTAMP_HEADER: PUBLISHED_TIMESTAMP,
        SIGNATURE_HEADER: PUBLISHED_SIGNATURE,
        "Content-Type": "application/json",
    }
    with serving(built) as api:
        person = {"external_id": "shop-1", "email": "hello@world.com"}
        assert api.post("/v1/subscribers", json=person).status_code == 201
        refused = api.post(EVENTS, content=PUBLISHED_BODY.replace(b"hello@", b"jello@"), headers=headers)
        assert refused.status_code == 403
        assert api.get("/v1/subscribers/shop-1").json()["state"] == "active"
        assert api.post(EVENTS, content=PUBLISHED_BODY, headers=headers).status_code == 200
        shown = api.get("/v1/subscribers/shop-1", headers={"Authorization": f"Bearer {ADMIN}"}).json()
        assert (shown["state"], [(item["reason"], item["since"]) for item in shown["suppressions"]]) == (
            "suppressed",
            [("bounced", "2020-09-14T19:41:32Z")],
        )
    built.close()


@pytest.mark.parametrize("kind", ["bounce", "spamreport"])
def test_a_confirmation_letter_that_bounces_suppresses_and_the_sign_up_is_still_forgotten(api: Api, kind: str) -> None:
    api.post("/v1/sign-ups", json={"email": "typo@example.com"}, headers={"Authorization": ""})
    event = a_mail_event(1, kind, "ltr_1", email="typo@example.com", type="bounce", reason="550 unknown")
    assert api.post(EVENTS, content=as_batch(event)).json()["unmatched"] == 1
    assert [item["state"] for item in api.get("/v1/subscribers").json()["items"]] == ["suppressed"]
    container = api.container
    with container.database.write() as connection:
        connection.execute(update(t.subscriber).values(expires_at=container.clock()))
    assert ExpireSignUps(container.database, container.clock, container.addresses).run() == 1
    with container.database.read() as connection:
        assert connection.execute(select(t.suppression.c.reason)).scalars().all() != []
        assert connection.execute(select(t.subscriber)).all() == []
