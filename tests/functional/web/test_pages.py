"""The pages a reader sees."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.web.pages import page_routes
from tests.functional.api.api_client import container_on, publish
from tests.functional.web.forms import unsubscribe_token


@pytest.mark.parametrize(
    ("locale", "word"), [("nl", "Opgelost"), ("en", "Resolved"), ("de", "Behoben"), ("fr", "Résolu")]
)
def test_the_incident_is_shown_in_the_language_asked_for(
    container: ApiContainer, reader: TestClient, locale: str, word: str
) -> None:
    for event in story.events()[:5]:
        publish(container, event)
    answer = reader.get(f"/{locale}/incidents/{story.INCIDENT_ID}")
    assert answer.status_code == 200
    assert word in answer.text
    assert f'lang="{locale}"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_not_public_is_not_shown(container: ApiContainer, reader: TestClient) -> None:
    hidden = story.events()[0] | {"visible": False}
    publish(container, hidden)
    assert reader.get(f"/en/incidents/{story.INCIDENT_ID}").status_code == 404
    assert reader.get("/xx/incidents/nothing").status_code == 404


def test_texts_of_an_incident_cannot_bring_markup_in(container: ApiContainer, reader: TestClient) -> None:
    event = story.events()[0]
    event["incident"]["title"]["en"] = "<script>alert(1)</script>"
    event["update"]["body"]["en"] = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    publish(container, event)
    page = reader.get(f"/en/incidents/{story.INCIDENT_ID}").text
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page


def test_a_personal_page_is_kept_framed_and_told_to_nobody(container: ApiContainer, tmp_path: Path) -> None:
    public = container_on(container.database, tmp_path, NOTIFIER_PUBLIC_URL="https://status.example")
    with TestClient(create_app(public, pages=[page_routes(public)])) as client:
        headers = client.get(f"/unsubscribe/{unsubscribe_token(public, 'shop-1')}").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    expected = {
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "strict-transport-security": "max-age=31536000",
    }
    assert {name: headers[name] for name in expected} == expected
    public.close()
