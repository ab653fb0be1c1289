"""Sign-up over the API: open to anybody, limited, and as silent about addresses as the page."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from notifier.doctor.checkup import check_up
from notifier.domain.messages.transactional_mail import MAILS_PER_DAY
from notifier.services.subscribers.public_sign_up import PER_NETWORK
from notifier.services.subscribers.sign_up_limit import ClearSignUpAlert
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, a_subscriber, faults

OPEN = {"Authorization": ""}
ASKED = {"email": "reader@shop.example", "locale": "nl", "preferences": {"components": ["api"], "min_impact": "major"}}


def test_a_sign_up_is_pending_and_its_letter_is_written(api_anywhere: Api) -> None:
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00"}, "max_per_hour": 2}
    body = ASKED | {"preferences": ASKED["preferences"] | quiet}  # type: ignore[operator]
    answer = api_anywhere.post("/v1/sign-ups", json=body, headers=OPEN)
    assert (answer.status_code, answer.json()) == (202, {"outcome": "confirmation_needed", "valid_hours": 48})
    (found,) = api_anywhere.get("/v1/subscribers").json()["items"]
    assert (found["state"], found["kind"], found["locale"], found["legal_basis"]) == (
        "pending",
        "follower",
        "nl",
        "consent",
    )
    assert found["preferences"] == {
        "channels": ["email"],
        "components": ["api"],
        "min_impact": "major",
        "updates": "all",
        "maintenance": True,
        **quiet,
    }
    with api_anywhere.container.database.read() as connection:
        assert connection.execute(select(t.outbox.c.kind)).scalars().all() == ["subscription_confirm"]


def test_the_answer_does_not_tell_who_is_known(api: Api) -> None:
    api.post("/v1/subscribers", json=a_subscriber(1, email="known@shop.example"))
    emails = ["new@shop.example", "known@shop.example", *["often@shop.example"] * 5]
    answers = [api.post("/v1/sign-ups", json={"email": email}, headers=OPEN) for email in emails]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}


def test_a_network_may_sign_up_so_often_and_no_more(api: Api) -> None:
    answers = [
        api.post("/v1/sign-ups", json={"email": f"reader{number}@shop.example"}, headers=OPEN)
        for number in range(PER_NETWORK + 1)
    ]
    assert [answer.status_code for answer in answers] == [202] * PER_NETWORK + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_faults_are_named_and_nothing_is_stored(api: Api) -> None:
    bad = {"email": "a b@shop.example\r\nBcc: x@y.example", "kind": "partner"}
    assert faults(api.post("/v1/sign-ups", json=bad, headers=OPEN)).keys() == {"email", "kind"}
    unknown = ASKED | {"preferences": {"components": ["telex"]}, "locale": "xx", "timezone": "Mars/Base"}
    named = {"preferences.components", "locale", "timezone"}
    assert faults(api.post("/v1/sign-ups", json=unknown, headers=OPEN)).keys() == named
    assert api.get("/v1/subscribers").json()["items"] == []


def test_a_form_of_another_site_cannot_post_here(api: Api) -> None:
    body = b'{"email": "victim@shop.example"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = api.post("/v1/sign-ups", content=body, headers=OPEN | {"content-type": kind})
        assert answer.status_code == 415
    assert api.get("/v1/subscribers").json()["items"] == []


def mails(api: Api) -> int:
    with api.container.database.read() as connection:
        return len(connection.execute(select(t.outbox.c.id)).all())


def test_a_mailbox_has_one_share_under_all_of_its_names(api: Api) -> None:
    emails = ["target@shop.example", *(f"Target+{number}@shop.example" for number in range(8))]
    answers = [api.post("/v1/sign-ups", json={"email": email}, headers=OPEN) for email in emails]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert mails(api) == MAILS_PER_DAY
    bad = {"email": "target+9@shop.example", "timezone": "Mars/Base"}
    assert faults(api.post("/v1/sign-ups", json=bad, headers=OPEN)).keys() == {"timezone"}


def test_the_house_has_a_ceiling_and_says_so_until_an_hour_later(api_with: Callable[[str], Api]) -> None:
    api = api_with("[limits]\nsign_ups_per_hour = 2")
    answers = [
        api.post("/v1/sign-ups", json={"email": f"reader{number}@shop.example"}, headers=OPEN) for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [202] * 2 + [429] * 2
    assert mails(api) == 2
    (found,) = [finding for finding in check_up(api.container) if finding.name == "sign_ups"]
    assert "more than 2 sign-ups" in found.message
    now = api.container.clock()
    assert ClearSignUpAlert(api.container.database, lambda: now).run() == 0
    assert ClearSignUpAlert(api.container.database, lambda: now + timedelta(hours=1, minutes=1)).run() == 1
    assert not [finding for finding in check_up(api.container) if finding.name == "sign_ups"]
