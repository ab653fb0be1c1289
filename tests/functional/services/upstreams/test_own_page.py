import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap.polling import build_poller, page_client, watched_source
from notifier.domain.proposals.polled_page import PageUnreadableError
from notifier.storage.database.engine import Database
from tests.functional.api.api_client import Api, container_on, serving
from tests.functional.api.payloads import Json, statuspage, statuspage_update
from tests.support.status_page import StatusPage, status_page

NOW = datetime.now(UTC)
LOOKING = statuspage_update(
    1,
    "investigating",
    "We merken dat pagina's traag laden.<br /><br />EN: Pages load slowly &amp; may fail.",
    at=NOW - timedelta(minutes=9),
)
FIXED = statuspage_update(2, "resolved", "Voorbij.\n\n**EN -** It is over.", at=NOW - timedelta(minutes=2))
COMPONENTS = [
    {"id": "k1", "name": "Webshop front", "status": "major_outage"},
    {"id": "k2", "name": "Coffee machine", "status": "major_outage"},
]
TITLE = "Verminderde prestaties / Degraded performance"


def listed(*updates: Json, **changes: Any) -> Json:
    told = [update | {"affected_components": None} for update in updates]
    incident = statuspage(*told, name=TITLE, components=COMPONENTS, **changes)["incident"]
    assert isinstance(incident, dict)
    return incident


class Desk:
    """An installation that polls one page of its own; the page lists `page.incidents`."""

    def __init__(self, api: Api, page: StatusPage) -> None:
        self.api, self.page = api, page
        container = api.container
        (rules,) = container.settings.sources()
        self.client = page_client(page.url)
        self.watch = watched_source(container, rules, self.client)
        self.cursor: Json = {}

    def poll(self) -> list[int]:
        before = len(self.page.asked)
        self.cursor = json.loads(json.dumps(self.watch.read(self.cursor)))
        return [status for _, status in self.page.asked[before:]]

    def incident(self, name: str = "own.p31zjtct2jer") -> Json:
        answer = self.api.get(f"/v1/incidents/{name}")
        assert answer.status_code == 200
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def drafts(self) -> list[Json]:
        return list(self.api.get("/v1/drafts").json()["items"])

    def announced(self) -> list[list[str]]:
        items = self.api.get("/v1/incidents/own.p31zjtct2jer/notifications").json()["items"]
        return [item["update_ids"] for item in items if item["channel"] == "email"]

    def send(self, incident: Json) -> Json:
        answer = self.api.post("/v1/inbound/statuspage/own", json={"incident": incident})
        assert answer.status_code == 202
        told = answer.json()
        assert isinstance(told, dict)
        return told


Desks = Callable[[str], Desk]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desks]:
    with ExitStack() as stack:

        def make(mode: str) -> Desk:
            page = stack.enter_context(status_page())
            toml = f"""
[guard]
hold_older_than = 0
[[components]]
key = "storefront"
name = {{ nl = "Webwinkel", en = "Storefront" }}
[[sources]]
name = "own"
kind = "statuspage"
mode = "{mode}"
url = "{page.url}"
every = 1
languages = ["nl", "EN:"]
components = {{ "webshop FRONT" = "storefront" }}
"""
            (tmp_path / "own.toml").write_text(toml, encoding="utf-8")
            container = container_on(database, tmp_path, NOTIFIER_CONFIG=str(tmp_path / "own.toml"))
            stack.callback(container.close)
            built = Desk(stack.enter_context(serving(container)), page)
            stack.callback(built.client.close)
            return built

        yield make


def test_an_incident_seen_both_ways_is_told_once(desk: Desks) -> None:
    own = desk("publish")
    own.poll()
    assert own.send(listed(LOOKING))["outcome"] == "accepted"
    own.page.incidents = [listed(LOOKING)]
    own.poll()
    assert own.announced() == [["update000001"]]
    own.page.incidents = [listed(LOOKING, FIXED)]
    own.poll()
    assert own.send(listed(LOOKING, FIXED))["outcome"] == "duplicate"
    shown = own.incident()
    assert [update["id"] for update in shown["updates"]] == ["update000001", "update000002"]
    assert shown["title"] == {"nl": "Verminderde prestaties", "en": "Degraded performance"}
    assert shown["updates"][0]["body"] == {
        "nl": "We merken dat pagina's traag laden.",
        "en": "Pages load slowly & may fail.",
    }
    assert shown["updates"][1]["body"] == {"nl": "Voorbij.", "en": "It is over."}
    assert [item["key"] for item in shown["components"]] == ["storefront"]


def test_a_page_that_has_not_changed_is_asked_conditionally_and_tells_nothing(desk: Desks) -> None:
    own = desk("publish")
    own.page.incidents = [listed(LOOKING)]
    assert own.poll() == [200, 200]
    assert own.poll() == [304, 304]
    assert own.announced() == [["update000001"]]


def test_what_was_over_before_the_first_poll_is_not_told(desk: Desks) -> None:
    own = desk("publish")
    own.page.incidents = [listed(LOOKING, FIXED)]
    own.poll()
    assert own.api.get("/v1/incidents/own.p31zjtct2jer").status_code == 404
    edited = FIXED | {"body": "Voorbij!", "updated_at": datetime.now(UTC).isoformat()}
    own.page.incidents = [listed(LOOKING, edited)]
    own.poll()
    assert own.api.get("/v1/incidents/own.p31zjtct2jer").status_code == 404


def test_what_was_entered_after_the_fact_is_shown_and_not_told(desk: Desks) -> None:
    own = desk("publish")
    own.poll()
    own.page.incidents = [listed(LOOKING, backfilled=True)]
    own.poll()
    assert own.incident()["status"] == "investigating"
    assert own.announced() == []


def test_an_edit_in_place_is_an_edit(desk: Desks) -> None:
    own = desk("publish")
    own.page.incidents = [listed(LOOKING)]
    own.poll()
    edited = LOOKING | {"body": "Pagina's laden traag.\nEN: Slow.", "updated_at": NOW.isoformat()}
    own.page.incidents = [listed(edited)]
    own.poll()
    (update,) = own.incident()["updates"]
    assert update["body"] == {"nl": "Pagina's laden traag.", "en": "Slow."}
    assert own.announced() == [["update000001"]]


def test_planned_work_is_polled_too(desk: Desks) -> None:
    own = desk("publish")
    own.poll()
    window = {"scheduled_for": "2099-12-03T01:00:00Z", "scheduled_until": "2099-12-03T03:00:00Z"}
    planned = statuspage_update(1, "scheduled", "Onderhoud.\n\nEN: Maintenance.", at=NOW)
    own.page.maintenances = [listed(planned, impact="maintenance", **window)]
    own.poll()
    assert own.incident()["scheduled_for"] == window["scheduled_for"]


def test_a_draft_follows_the_page_and_keeps_its_ids_when_it_is_published(desk: Desks) -> None:
    own = desk("draft")
    own.poll()
    own.page.incidents = [listed(LOOKING)]
    own.poll()
    own.send(listed(LOOKING))
    (draft,) = own.drafts()
    assert (draft["incident"]["id"], draft["update"]["id"]) == ("own.p31zjtct2jer", "update000001")
    assert draft["update"]["body"]["en"] == "Pages load slowly & may fail."
    assert draft["incident"]["components"] == [{"key": "storefront", "status": "major_outage"}]
    edited = LOOKING | {"body": "Pagina's laden traag.\nEN: Slow.", "updated_at": NOW.isoformat()}
    own.page.incidents = [listed(edited)]
    own.poll()
    (changed,) = own.drafts()
    assert (changed["id"], changed["update"]["body"]["en"]) == (draft["id"], "Slow.")
    assert changed["version"] > draft["version"]
    version = {"If-Match": f'"{changed["version"]}"'}
    told = own.api.post(f"/v1/drafts/{draft['id']}/publish", headers=version, json={})
    assert (told.status_code, told.json()["incident_id"]) == (202, "own.p31zjtct2jer")
    own.page.incidents = [listed(edited, FIXED)]
    own.poll()
    (end,) = own.drafts()
    assert (end["incident"]["id"], end["update"]["id"]) == ("own.p31zjtct2jer", "update000002")
    assert (end["update"]["status"], end["update"]["body"]["en"]) == ("resolved", "It is over.")


def test_history_makes_no_draft(desk: Desks) -> None:
    own = desk("draft")
    own.page.incidents = [listed(LOOKING, FIXED)]
    own.poll()
    assert own.drafts() == []


def test_a_source_of_mode_record_makes_a_signal_alone(desk: Desks) -> None:
    own = desk("record")
    own.page.incidents = [listed(LOOKING)]
    own.poll()
    assert own.drafts() == []
    assert [signal["state"] for signal in own.api.get("/v1/signals").json()["items"]] == ["ignored"]


@pytest.mark.parametrize("fault", [(503, {}, b"away"), (200, {}, b"<html>sorry</html>"), (200, {}, b'{"page": {}}')])
def test_a_page_that_cannot_be_read_changes_nothing(desk: Desks, fault: Any) -> None:
    own = desk("publish")
    own.page.incidents = [listed(LOOKING)]
    own.poll()
    own.page.fault = fault
    with pytest.raises(PageUnreadableError):
        own.poll()
    assert own.incident()["status"] == "investigating"


def test_the_scheduler_polls_a_source_that_has_an_address(desk: Desks) -> None:
    own = desk("publish")
    assert [poll.page.name for poll in build_poller(own.api.container).polls] == ["source:own"]
