"""Watch the Statuspage that the team itself writes: each poll hands on what a webhook would have told.

Both ways make the same events, so an incident that comes both ways is one incident, told once.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.errors import InvalidInputError
from notifier.domain.incidents.status_news import ListedIncident
from notifier.domain.proposals.polled_page import PageUnreadableError
from notifier.domain.proposals.source_rules import SourceRules
from notifier.services.ports import Clock
from notifier.services.upstreams.page_news import TakePageNews
from notifier.services.upstreams.ports import PageFetcher

INCIDENTS, MAINTENANCES = "/api/v2/incidents.json", "/api/v2/scheduled-maintenances.json"
_NOT_THERE = 404
Cursor = Mapping[str, Any]
Parse = Callable[[bytes], Sequence[ListedIncident]]


@dataclass(frozen=True, slots=True)
class WatchOwnPage:
    """Our own Statuspage, for the poller.

    Its cursor: `rules` (a digest of how it was read), `since` (the time of the first poll), and per
    list its `validators` and the `versions` of the incidents on it.
    """

    rules: SourceRules
    fetcher: PageFetcher
    parse: Parse
    news: TakePageNews
    clock: Clock

    @property
    def name(self) -> str:
        """Its name among the polled pages."""
        return f"source:{self.rules.name}"

    @property
    def every(self) -> timedelta:
        """How often it is polled."""
        return self.rules.every or timedelta(minutes=1)

    def read(self, cursor: Cursor) -> Cursor:
        """Fetch both lists, and hand on what has changed; see `Page.read`."""
        digest = hashlib.sha256(repr(self.rules).encode()).hexdigest()
        lists = cursor.get("lists", {}) if cursor.get("rules") == digest else {}
        since = cursor.get("since") or self.clock().isoformat()
        found = {path: self._list(path, lists.get(path, {}), since) for path in (INCIDENTS, MAINTENANCES)}
        return {"rules": digest, "since": since, "lists": found}

    def _list(self, path: str, known: Mapping[str, Any], since: str) -> Mapping[str, Any]:
        try:
            answer = self.fetcher.fetch(path, known.get("validators", {}))
        except PageUnreadableError as error:
            if error.status == _NOT_THERE and path == MAINTENANCES:  # some imitations have no planned work
                return {}
            raise
        if answer.body is None:
            return known
        versions = known.get("versions", {})
        listed = self._parsed(answer.body)
        for incident in listed:
            if versions.get(incident.id) != incident.version:
                self.news.take(incident.news, datetime.fromisoformat(since))
        return {
            "validators": dict(answer.validators),
            "versions": {incident.id: incident.version for incident in listed},
        }

    def _parsed(self, body: bytes) -> Sequence[ListedIncident]:
        try:
            return self.parse(body)
        except InvalidInputError as error:
            fault = error.errors[0]
            raise PageUnreadableError(f"the answer is no list of incidents: {fault.field} {fault.message}") from None
