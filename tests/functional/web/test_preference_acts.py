"""The smaller buttons of the preferences page: leaving, moving, one's data, erasure."""

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.services.security.audit import Actor
from notifier.services.security.signed_tokens import Purpose
from notifier.storage import tables as t
from tests.functional.web.forms import add_subscriber, chosen, send, state

HERE = Actor("tests", "here")


def test_the_page_unsubscribes_and_takes_it_back(container: ApiContainer, reader: TestClient, path: str) -> None:
    stopped = send(reader, reader.get(path), f"{path}/unsubscribe")
    assert "U bent afgemeld" in stopped.text
    assert state(container, "shop-1") == "unsubscribed"
    back = send(reader, stopped, f"{path}/resubscribe")
    assert "U krijgt weer berichten." in back.text
    assert state(container, "shop-1") == "active"


def test_a_new_address_counts_when_it_is_confirmed_there(
    container: ApiContainer, reader: TestClient, path: str, number: int
) -> None:
    refused = send(reader, reader.get(path), f"{path}/address", new_email="nobody")
    assert (refused.status_code, 'value="nobody"' in refused.text) == (422, True)
    assert send(reader, reader.get(path), f"{path}/address", new_email="new@example.com").status_code == 200
    with container.database.read() as connection:
        (mail,) = connection.execute(select(t.outbox)).all()
    token = container.tokens.sign(Purpose.ADDRESS_CHANGE, number, mail.address_key, expires_at=mail.expires_at)
    assert chosen(container)["email"] == "owner@example.com"
    page = reader.get(f"/address/{token}")
    assert chosen(container)["email"] == "owner@example.com"
    assert "new@example.com" in send(reader, page, f"/address/{token}").text
    assert chosen(container)["email"] == "new@example.com"
    assert reader.get(f"/address/{path.rpartition('/')[2]}").status_code == 404


def test_everything_known_is_handed_over_as_a_file(container: ApiContainer, reader: TestClient, path: str) -> None:
    add_subscriber(container, "shop-2")
    add_subscriber(container, "stranger", "other@example.com")
    answer = reader.get(f"{path}/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    told = answer.json()
    assert {item["external_id"] for item in told["subscriptions"]} == {"shop-1", "shop-2"}
    assert {item["action"] for item in told["changes"]} == {"subscriber.created"}
    assert "other@example.com" not in answer.text


def test_erasure_asks_first_and_then_leaves_nothing_but_the_wish(
    container: ApiContainer, reader: TestClient, path: str, number: int
) -> None:
    add_subscriber(container, "shop-2")
    page = reader.get(f"{path}/erase")
    assert state(container, "shop-1") == "active"
    assert "Uw gegevens zijn gewist" in send(reader, page, f"{path}/erase").text
    assert container.subscribers.list(limit=5) == ([], None)
    assert reader.get(path).status_code == 404
    with container.database.read() as connection:
        for table in t.metadata.sorted_tables:
            kept = repr(connection.execute(select(table)).all())
            assert "owner@example.com" not in kept
            assert "'shop-1'" not in kept
    add_subscriber(container, "shop-3")
    assert state(container, "shop-3") == "unsubscribed"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (SuppressionReason.BOUNCED, "Berichten aan uw adres kwamen terug, daarom sturen we u voorlopig niets."),
        (SuppressionReason.COMPLAINED, "is als spam gemeld, daarom sturen we u niets."),
        (SuppressionReason.IMPORTED, "Berichten aan uw adres zijn stopgezet, daarom sturen we u niets."),
        (SuppressionReason.PROVIDER_UNSUBSCRIBED, "U bent afgemeld: we sturen u niets."),
    ],
)
def test_a_suppressed_reader_is_told_why_and_may_try_again(
    container: ApiContainer, reader: TestClient, path: str, reason: SuppressionReason, words: str
) -> None:
    container.lifecycle.suppress("owner@example.com", HERE, reason=reason)
    page = reader.get(path)
    assert words in page.text
    with container.database.write() as connection:
        connection.execute(update(t.subscriber).values(locale="pt-BR"))
    assert send(reader, page, f"{path}/resubscribe").status_code == 200
    assert state(container, "shop-1") == "active"
