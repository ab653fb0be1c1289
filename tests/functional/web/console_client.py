"""A person at the console: signs in, fills the form in, reads what the page says."""

import re

from httpx2 import Response
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.services.security.audit import Actor

NOTICE = re.compile(r'<div class="notice[^>]*>(.*?)</div>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def a_key(container: ApiContainer, *scopes: str) -> tuple[str, str]:
    made = container.api_keys.create("desk", scopes, Actor("tests", "here"))
    return made.id, made.plaintext


def signed_in(browser: TestClient, key: str) -> TestClient:
    answer = browser.post("/console/sign-in", data={"key": key})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key not in cookie
    return browser


def admin(container: ApiContainer, browser: TestClient) -> TestClient:
    return signed_in(browser, container.settings.admin_token().get_secret_value())


def hidden(page: str) -> dict[str, str]:
    return dict(HIDDEN.findall(page[page.index("<main") :]))


def notices(page: str) -> list[str]:
    """What the page tells, without markup."""
    return [" ".join(re.sub("<[^>]+>", " ", found).split()) for found in NOTICE.findall(page)]


def flash_message(browser: TestClient, answer: Response) -> str:
    """What the page after a redirect says was done."""
    assert answer.status_code == 303
    return "".join(notices(browser.get(answer.headers["location"]).text))


def a_draft(browser: TestClient, query: str = "") -> dict[str, str]:
    """The form as a person fills it in."""
    page = browser.get(f"/console/compose{query}").text
    return hidden(page) | {
        "status": "investigating",
        "impact": "major",
        "title.nl": "Storing",
        "title.en": "Outage",
        "body.nl": "We zoeken de oorzaak.",
        "body.en": "We are looking.",
        "component.storefront": "major_outage",
        "notify": "yes",
    }


def audit_of(browser: TestClient, container: ApiContainer) -> list[dict[str, str]]:
    token = container.settings.admin_token().get_secret_value()
    found: list[dict[str, str]] = browser.get("/v1/audit", headers={"Authorization": f"Bearer {token}"}).json()["items"]
    return found
