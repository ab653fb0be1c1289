"""Batches and scheduled sends, with a clock that the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from notifier.sandbox.config import SandboxConfig
from tests.contract.sandbox.sendgrid_requests import AUTHORIZED, a_personalization, a_request, accepted
from tests.sandbox_server import Answer, RunningSandbox, running_sandbox

NOON = 1_785_578_400


@dataclass
class Scene:
    sandbox: RunningSandbox
    now: list[float]

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        return self.sandbox.call(method, f"/sendgrid/v3{path}", body, AUTHORIZED)

    def batch(self) -> str:
        answer = self.call("POST", "/mail/batch")
        assert answer.status == 201
        batch_id: str = answer.json()["batch_id"]
        return batch_id

    def mails(self) -> dict[str, int]:
        mails: dict[str, int] = self.sandbox.get("/sandbox/api/summary")["mails"]
        return mails


@pytest.fixture
def scene() -> Iterator[Scene]:
    now = [float(NOON)]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        yield Scene(sandbox, now)


def test_batch_id_is_known_until_ten_days_later(scene: Scene) -> None:
    batch_id = scene.batch()
    assert scene.call("GET", f"/mail/batch/{batch_id}").json() == {"batch_id": batch_id}
    unknown = scene.call("GET", "/mail/batch/nonsense")
    assert (unknown.status, unknown.json()["errors"][0]["message"]) == (400, "invalid batch id")
    scene.now[0] += 10 * 86_400
    assert scene.call("GET", f"/mail/batch/{batch_id}").status == 400


def test_mail_waits_for_its_send_at(scene: Scene) -> None:
    accepted(scene.sandbox, a_request(a_personalization(1), send_at=NOON + 900))
    assert (scene.mails()["total"], scene.mails()["scheduled"]) == (0, 1)
    scene.now[0] += 900
    assert (scene.mails()["total"], scene.mails()["scheduled"]) == (1, 0)


def test_send_at_in_the_past_means_now(scene: Scene) -> None:
    accepted(scene.sandbox, a_request(send_at=NOON - 1))
    assert scene.mails()["total"] == 1


def test_each_personalization_may_have_a_time_of_its_own(scene: Scene) -> None:
    entries = [a_personalization(1), a_personalization(2, send_at=NOON + 60), a_personalization(3, send_at=NOON - 60)]
    accepted(scene.sandbox, a_request(*entries, send_at=NOON + 120))
    assert scene.mails()["total"] == 1
    scene.now[0] += 60
    assert scene.mails()["total"] == 2
    scene.now[0] += 60
    assert scene.mails()["total"] == 3


def test_cancelled_batch_is_discarded_at_its_time(scene: Scene) -> None:
    batch_id = scene.batch()
    accepted(scene.sandbox, a_request(send_at=NOON + 900, batch_id=batch_id))
    answer = scene.call("POST", "/user/scheduled_sends", {"batch_id": batch_id, "status": "cancel"})
    assert (answer.status, answer.json()) == (201, {"batch_id": batch_id, "status": "cancel"})
    scene.now[0] += 900
    assert (scene.mails()["total"], scene.mails()["discarded"]) == (0, 1)


def test_cancellation_within_the_last_ten_minutes_comes_too_late(scene: Scene) -> None:
    batch_id = scene.batch()
    accepted(scene.sandbox, a_request(send_at=NOON + 900, batch_id=batch_id))
    scene.now[0] += 301
    assert scene.call("POST", "/user/scheduled_sends", {"batch_id": batch_id, "status": "cancel"}).status == 201
    scene.now[0] += 600
    assert scene.mails()["total"] == 1


def test_paused_batch_waits_until_released_and_expires_after_72_hours(scene: Scene) -> None:
    released, forgotten = scene.batch(), scene.batch()
    for number, batch_id in enumerate((released, forgotten)):
        accepted(scene.sandbox, a_request(a_personalization(number), send_at=NOON + 900, batch_id=batch_id))
        scene.call("POST", "/user/scheduled_sends", {"batch_id": batch_id, "status": "pause"})
    scene.now[0] += 1_000
    assert scene.mails()["total"] == 0
    assert scene.call("DELETE", f"/user/scheduled_sends/{released}").status == 204
    assert scene.mails()["total"] == 1
    scene.now[0] += 73 * 3600
    assert (scene.mails()["total"], scene.mails()["discarded"]) == (1, 1)


def test_status_is_set_once_by_post_then_by_patch(scene: Scene) -> None:
    batch_id = scene.batch()
    body = {"batch_id": batch_id, "status": "pause"}
    assert scene.call("POST", "/user/scheduled_sends", body).status == 201
    assert scene.call("POST", "/user/scheduled_sends", body).status == 400
    assert scene.call("PATCH", f"/user/scheduled_sends/{batch_id}", {"status": "cancel"}).status == 204
    assert scene.call("GET", "/user/scheduled_sends").json() == [{"batch_id": batch_id, "status": "cancel"}]
    assert scene.call("DELETE", f"/user/scheduled_sends/{batch_id}").status == 204
    assert scene.call("GET", "/user/scheduled_sends").json() == []
    assert scene.call("PATCH", f"/user/scheduled_sends/{batch_id}", {"status": "cancel"}).status == 404
    assert scene.call("DELETE", f"/user/scheduled_sends/{batch_id}").status == 404


def test_number_of_entries_is_limited(scene: Scene) -> None:
    answers = [
        scene.call("POST", "/user/scheduled_sends", {"batch_id": scene.batch(), "status": "pause"}) for _ in range(11)
    ]
    assert [answer.status for answer in answers] == [201] * 10 + [400]


def test_wrong_status_and_unknown_batch_are_refused(scene: Scene) -> None:
    bodies: list[Any] = [{"batch_id": scene.batch(), "status": "stop"}, {"batch_id": "x", "status": "pause"}, [], {}]
    for body in bodies:
        assert scene.call("POST", "/user/scheduled_sends", body).status == 400


def test_management_calls_need_the_key(scene: Scene) -> None:
    assert scene.sandbox.call("POST", "/sendgrid/v3/mail/batch").status == 401
