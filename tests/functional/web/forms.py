"""People of the house, and forms filled in as a browser would."""

from html.parser import HTMLParser
from typing import Any

import orjson
from httpx2 import Response
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.inbound.subscribers import parse_subscriber
from notifier.services.security.audit import Actor

Fields = dict[str, list[str]]


def number_of_latest(container: ApiContainer) -> int:
    with container.database.read() as connection:
        statement = "SELECT id FROM subscriber ORDER BY id DESC LIMIT 1"
        return int(connection.exec_driver_sql(statement).scalar_one())


def add_subscriber(container: ApiContainer, name: str, email: str = "owner@example.com", **changes: Any) -> int:
    """Add a subscriber; returns the row's number."""
    body = {"external_id": name, "kind": "merchant", "email": email, "locale": "nl"} | changes
    container.subscribers.create(parse_subscriber(orjson.dumps(body), container.vocabulary), Actor("tests", "here"))
    return number_of_latest(container)


def unsubscribe_token(container: ApiContainer, name: str, email: str = "owner@example.com", locale: str = "nl") -> str:
    """Add a subscriber and return the token of their mails' unsubscribe link."""
    return container.tokens.unsubscribe(add_subscriber(container, name, email, locale=locale), 1)


def chosen(container: ApiContainer, name: str = "shop-1") -> dict[str, Any]:
    """Return a subscriber as the API shows it."""
    found: dict[str, Any] = container.subscribers.get(name)
    return found


def state(container: ApiContainer, name: str) -> str:
    found: str = container.subscribers.get(name)["state"]
    return found


class Forms(HTMLParser):
    """The forms of a page: what a browser would send if nobody touched anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, Fields] = {}
        self._fields: Fields | None = None
        self._select = ""
        self._open = ""  # the field whose text is being read
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = self.forms.setdefault(found["action"], {})
        elif self._fields is None:
            return
        elif tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self._fields.setdefault(found["name"], []).append(found.get("value", ""))
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and "selected" in found:
            self._fields[self._select] = [found.get("value", "")]
            self._open = "" if "value" in found else self._select
        elif tag == "textarea":
            self._fields[found["name"]], self._open = [""], found["name"]

    def handle_data(self, data: str) -> None:
        if self._open and self._fields is not None:
            self._fields[self._open][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("option", "textarea"):
            self._open = ""
        if tag == "form":
            self._fields = None


def send(reader: TestClient, page: Response, action: str, **changes: Any) -> Response:
    """Fill in the form of a page that posts to `action`, and send it."""
    fields: dict[str, Any] = dict(Forms(page.text).forms[action])
    fields |= changes
    return reader.post(action, data={name: value for name, value in fields.items() if value is not None})
