from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from notifier.doctor.checkup import check_up
from notifier.services.subscribers.sign_up_limit import ClearSignUpAlert
from notifier.storage import tables as t
from tests.functional.api.api_client import Api

OPEN = {"Authorization": ""}


def mails(api: Api) -> int:
    with api.container.database.read() as connection:
        return len(connection.execute(select(t.outbox.c.id)).all())


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
