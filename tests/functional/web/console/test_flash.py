from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.web.console.routes import console_routes
from tests.functional.api.api_client import publish
from tests.functional.web.console.resolving import SEND, resolves
from tests.functional.web.console_client import a_draft, notices


def test_no_link_makes_the_console_say_anything(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = desks
    resolves(ann)
    sent = ann.post(SEND, data=a_draft(ann, f"?incident={incident}"))
    link = sent.headers["location"]
    assert "accepted" not in link
    assert notices(ann.get(link).text) != []
    assert notices(ben.get(link).text) == []  # said to ann
    another = story.events()[0]
    another["id"], another["incident"]["id"] = "evt-another", "inc-another"
    publish(container, another)
    assert notices(ann.get(link.replace(incident, "inc-another")).text) == []
    for words in ("Everything failed, call 0900", "v1.x.y", ""):
        page = ann.get("/console/incident", params={"id": incident, "said": words})
        assert page.status_code == 200
        assert notices(page.text) == []
    real = container.clock
    monkeypatch.setattr(container, "clock", lambda: real() + timedelta(minutes=6))
    later = create_app(container, pages=[console_routes(container)])
    with TestClient(later, cookies=ann.cookies) as client:
        assert notices(client.get(link).text) == []
