"""The console about providers that fail, and how far the telling has come."""

from sqlalchemy import select
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.providers.breaker import CLOSED
from notifier.domain.values import Channel, Reason
from notifier.storage import tables as t
from notifier.storage.operations import alerts, provider_states
from tests.functional.web.console_client import HIDDEN, a_draft, a_key, admin, audit_of, hidden, signed_in


def test_a_failing_provider_is_named_with_its_words_and_can_be_tried_at_once(
    container: ApiContainer, browser: TestClient
) -> None:
    error = TransientDeliveryError(Reason.SERVER_ERROR, "<b>Service Unavailable</b>", status=503)
    with container.database.write() as connection:
        breaker = CLOSED.after_failure(error, container.clock(), streak=3)
        provider_states.save(connection, Channel.EMAIL, "sandbox", breaker)
        alerts.raise_(connection, "social:x:x-nl:unseen", Reason.DUPLICATE, "look for it", container.clock())
        alerts.raise_(connection, "email:sandbox", Reason.AUTH, "said twice", container.clock())
    desk = admin(container, browser)
    page = desk.get("/console").text
    assert "mail sandbox is failing" in page
    assert "503 &lt;b&gt;Service Unavailable&lt;/b&gt;" in page
    assert "X account x-nl: post not found" in page
    assert "said twice" not in page
    answer = desk.post("/console/retry", data=hidden(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert any(item["action"] == "deliveries.retried" for item in audit_of(browser, container))


def test_the_incident_page_says_how_far_the_telling_has_come(container: ApiContainer, browser: TestClient) -> None:
    desk = admin(container, browser)
    desk.post("/console/send", data=a_draft(desk))
    with container.database.read() as connection:
        incident_id = connection.execute(select(t.incident.c.id)).scalars().one()
    page = desk.get("/console/incident", params={"id": incident_id}).text
    assert "<h2>Progress</h2>" in page
    assert "0 of 0, still planning" in page


def test_who_may_only_read_cannot_try_again(container: ApiContainer, browser: TestClient) -> None:
    _, key = a_key(container, "read")
    desk = signed_in(browser, key)
    mark = dict(HIDDEN.findall(desk.get("/console").text))["mark"]
    assert desk.post("/console/retry", data={"mark": mark, "provider": "sandbox"}).status_code == 403
