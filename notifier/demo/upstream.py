"""Cloudflare's status page in the demo, and the person who publishes what its poller proposes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.demo import story
from notifier.sandbox.server import SandboxServer
from notifier.sandbox.statuspage.api import StatusPage
from notifier.supervise.installation import Installation

OPERATOR = "Sanne de Vries"
_NAME = "cloudflare"
_INCIDENT = "cf-20220621"
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_EVERY = 1  # seconds between two polls
_SCOPES = ("read", "publish", "announce")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDraft:
    """A draft that became an update: who proposed it and who published it. `links`: of its incident."""

    id: str
    update_id: str
    proposed_by: str
    published_by: str
    links: Sequence[str]

    def as_json(self) -> dict[str, str]:
        """Return it for `notifier demo --json`."""
        return {
            "id": self.id,
            "update_id": self.update_id,
            "proposed_by": self.proposed_by,
            "published_by": self.published_by,
        }


class Upstream:
    """The simulated page. `server` is a sandbox of its own, so that its address is known before the system starts."""

    def __init__(self, server: SandboxServer) -> None:
        self._pages, self.url = server.sandbox.status_pages, f"{server.base_url}/statuspage/{_NAME}"
        self._show()

    def policy(self) -> str:
        """Return the configuration that has it polled."""
        keys = ", ".join(f'"{item["key"]}"' for item in story.events()[0]["incident"]["components"])
        return (
            f'\n[[upstreams]]\nname = "{_NAME}"\nurl = "{self.url}"\nevery = {_EVERY}\n'
            f'components = {{ "CDN/Cache" = [{keys}], "*" = [] }}\n'
        )

    def begin(self) -> None:
        """Announce the outage on the page."""
        self._show("investigating", "We are investigating widespread issues with our services and network.")

    def end(self) -> None:
        """End the outage on the page."""
        self._show("resolved", "This incident has been resolved.")

    def _show(self, status: str = "", text: str = "") -> None:
        page = StatusPage("Cloudflare")
        if status:
            is_over = status == "resolved"
            component = {"id": "cdn", "name": "CDN/Cache", "status": "operational" if is_over else "major_outage"}
            page.incidents.append(
                {
                    "id": _INCIDENT,
                    "name": "Cloudflare service issues",
                    "status": status,
                    "impact": "critical",
                    "created_at": "2022-06-21T06:43:00.000Z",
                    "shortlink": f"{self.url}/incidents/{_INCIDENT}",
                    "incident_updates": [{"id": f"{_INCIDENT}-{status}", "status": status, "body": text}],
                    "components": [component],
                }
            )
        self._pages.put_up(_NAME, page)


class Operator:
    """A person with a key of their own, who reads drafts, puts in the words, and publishes."""

    def __init__(self, system: Installation) -> None:
        self._system = system
        self._key = system.new_key(OPERATOR, _SCOPES)

    def publish(self, event: Mapping[str, Any]) -> PublishedDraft | None:
        """Publish the words of an event in place of the update that the poller proposed; None: it proposed none.

        What the draft says of the incident, its links above all, stays.
        """
        draft = self._proposed()
        if draft is None:
            return None
        path, update = f"/v1/drafts/{draft['id']}", event["update"]
        words = {name: update[name] for name in ("id", "status", "body", "posted_at")}
        edited = self._call("PATCH", path, {"version": draft["version"], "update": words})
        self._call("POST", f"{path}/publish", {"version": edited["version"]})
        return PublishedDraft(
            id=draft["id"],
            update_id=update["id"],
            proposed_by=draft["author"],
            published_by=self._publisher(draft["id"]),
            links=draft["incident"]["links"],
        )

    def _proposed(self) -> dict[str, Any] | None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for draft in self._call("GET", "/v1/drafts")["items"]:
                if draft["source"] == _NAME and draft["incident"]["id"] == story.INCIDENT_ID:
                    found: dict[str, Any] = draft
                    return found
            time.sleep(_POLL_SECONDS)
        return None

    def _publisher(self, draft_id: str) -> str:
        entries = self._system.call("GET", "/v1/audit?limit=200")["items"]
        found = (entry for entry in entries if (entry["action"], entry["object_id"]) == ("draft.published", draft_id))
        return next((str(entry["actor"]) for entry in found), "nobody")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        return self._system.call(method, path, body, key=self._key)
