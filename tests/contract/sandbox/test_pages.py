"""The pages: what arrived is shown, and nothing that arrived gets out of its frame."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.contract.sandbox.sendgrid_requests import a_personalization, a_request, accepted
from tests.contract.sandbox.x_client import x_client
from tests.sandbox_server import Answer, RunningSandbox

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


class Elements(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def read(answer: Answer) -> Elements:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Elements()
    page.feed(answer.body.decode())
    return page


def fill(sandbox: RunningSandbox, words: str = "Degraded performance") -> str:
    client = x_client(sandbox.x_url)
    first = client.create_tweet(text=f"{words} https://status.example.com/i/1").data["id"]
    client.create_tweet(text="Resolved", in_reply_to_tweet_id=first)
    client.session.close()
    sandbox.register_hook("partner-7", "whsec_AAAA")
    sandbox.call("POST", "/hooks/partner-7", f'{{"title": "{words}"}}'.encode(), {"webhook-id": words})
    content = [
        {"type": "text/plain", "value": words},
        {"type": "text/html", "value": f"<html><head></head>{words}</html>"},
    ]
    entry = a_personalization(to=[{"email": "owner@shop.example", "name": words.replace(",", "")}])
    return accepted(sandbox, a_request(entry, subject=words, content=content)) + ".0"


@pytest.fixture(autouse=True)
def _fresh_accounts(sandbox: RunningSandbox) -> None:
    sandbox.state.x.timelines.clear()


@pytest.mark.parametrize("path", ["/", "/inbox", "/social", "/webhooks"])
def test_empty_sandbox_has_pages_that_say_so(sandbox: RunningSandbox, path: str) -> None:
    answer = sandbox.call("GET", path)
    assert answer.status == 200
    assert re.search(r"No (mail|post|webhook)", read(answer).words)


def test_overview_shows_the_numbers_and_links_to_the_rest(sandbox: RunningSandbox) -> None:
    fill(sandbox)
    sandbox.fault("x", "status", status=503, count=3)
    page = read(sandbox.call("GET", "/"))
    links = {attributes.get("href") for tag, attributes in page.found if tag == "a"}
    assert {"/inbox?locale=en", "/social?account=x-nl", "/webhooks?name=partner-7"} <= links
    assert "ntf_1" in page.words
    assert "Faults in force" in page.words


def test_inbox_lists_and_filters(sandbox: RunningSandbox) -> None:
    fill(sandbox)
    accepted(sandbox, a_request(a_personalization(9), subject="Another", categories=["locale-nl"]))
    assert "Another" in read(sandbox.call("GET", "/inbox")).words
    assert "Another" not in read(sandbox.call("GET", "/inbox?locale=en")).words
    assert "Another" in read(sandbox.call("GET", "/inbox?address=owner9@shop.example")).words
    assert "No mail that fits" in read(sandbox.call("GET", "/inbox?address=nobody@shop.example")).words


def test_long_inbox_is_paged(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request(*(a_personalization(number) for number in range(150))))
    first, second = (read(sandbox.call("GET", f"/inbox?page={page}")) for page in (0, 1))
    assert "owner149@shop.example" in first.words
    assert "Older" in first.words
    assert "owner49@shop.example" in second.words
    assert "Older" not in second.words


def test_mail_shows_headers_text_remarks_and_its_html_in_a_sandboxed_frame(sandbox: RunningSandbox) -> None:
    page = read(sandbox.call("GET", f"/inbox/{fill(sandbox)}"))
    [frame] = [attributes for tag, attributes in page.found if tag == "iframe"]
    assert "allow-scripts" not in str(frame["sandbox"])
    assert "allow-same-origin" not in str(frame["sandbox"])
    assert frame["srcdoc"] == '<html><head><base target="_blank"></head>Degraded performance</html>'
    for words in ("owner@shop.example", "MIME-Version", "List-Unsubscribe is missing", "dlv_0"):
        assert words in page.words


def test_mail_to_somebody_without_a_name_is_shown(sandbox: RunningSandbox) -> None:
    entry = a_personalization(to=[{"email": "nameless@shop.example"}])
    number = accepted(sandbox, a_request(entry)) + ".0"
    answer = sandbox.call("GET", f"/inbox/{number}")
    assert answer.status == 200
    assert "nameless@shop.example" in read(answer).words


def test_mail_that_is_not_kept_is_404(sandbox: RunningSandbox) -> None:
    assert sandbox.call("GET", "/inbox/nonsense.0").status == 404


def test_social_shows_threads_with_their_links(sandbox: RunningSandbox) -> None:
    fill(sandbox)
    page = read(sandbox.call("GET", "/social"))
    assert [tag for tag, attributes in page.found if attributes.get("class") == "thread"] == ["section"]
    assert len([tag for tag, _ in page.found if tag == "article"]) == 2
    assert ("a", {"href": "https://status.example.com/i/1", "rel": "noreferrer"}) in page.found
    assert "No post yet" in read(sandbox.call("GET", "/social?account=x-en")).words


def test_webhooks_shows_attempts_verdicts_and_bodies(sandbox: RunningSandbox) -> None:
    fill(sandbox)
    page = read(sandbox.call("GET", "/webhooks"))
    for words in ("partner-7", "attempt 1", "not verified", "401", "a webhook-* header is missing", '"title"'):
        assert words in page.words


@pytest.mark.parametrize("path", ["/", "/inbox", "/inbox/ID", "/social", "/webhooks"])
def test_nothing_that_arrived_becomes_markup(sandbox: RunningSandbox, path: str) -> None:
    sandbox.turn("sendgrid", strict=False)
    mail_id = fill(sandbox, HOSTILE)
    page = read(sandbox.call("GET", path.replace("ID", mail_id)))
    tags = {tag for tag, _ in page.found}
    assert not tags & {"script", "img"}
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("path", ["/", "/inbox", "/inbox/ID", "/social", "/webhooks"])
def test_policy_lets_nothing_in_but_the_pages_own_style(sandbox: RunningSandbox, path: str) -> None:
    answer = sandbox.call("GET", path.replace("ID", fill(sandbox)))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert ("'unsafe-inline'" in policy) == path.endswith("ID")
    assert answer.headers["x-content-type-options"] == "nosniff"
    used = [
        attributes.get(name)
        for tag, attributes in read(answer).found
        for name in ("src", "href")
        if tag in ("link", "script", "img")
    ]
    assert [found for found in used if found] == ["/sandbox/style.css"]


def test_style_sheet_fetches_nothing(sandbox: RunningSandbox) -> None:
    answer = sandbox.call("GET", "/sandbox/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert not re.search(rb"url\(|@import", answer.body)
    assert b"prefers-color-scheme: dark" in answer.body


def test_page_refreshes_itself_only_when_asked(sandbox: RunningSandbox) -> None:
    def refreshes(path: str) -> list[Any]:
        found = read(sandbox.call("GET", path)).found
        return [attributes for tag, attributes in found if tag == "meta" and "http-equiv" in attributes]

    assert refreshes("/") == []
    assert refreshes("/?live")[0]["content"] == "3"
