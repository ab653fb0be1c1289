from sqlalchemy import select

from notifier.domain.messages.transactional_mail import MAILS_PER_DAY
from notifier.services.subscribers.public_sign_up import PER_NETWORK
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, faults

OPEN = {"Authorization": ""}


def test_a_network_may_sign_up_so_often_and_no_more(api: Api) -> None:
    answers = [
        api.post("/v1/sign-ups", json={"email": f"reader{number}@shop.example"}, headers=OPEN)
        for number in range(PER_NETWORK + 1)
    ]
    assert [answer.status_code for answer in answers] == [202] * PER_NETWORK + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


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
