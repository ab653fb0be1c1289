"""Sign-up over the API: open to anybody, limited, and as silent about addresses as the page."""

from sqlalchemy import select

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
