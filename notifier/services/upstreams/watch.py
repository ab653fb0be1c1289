"""Watch another provider's status page: each poll turns what it lists into reports.

A poll asks for the unresolved incidents, which is small and usually unchanged. Only when one that we
follow has left that list does it ask for the recent ones, which say how it ended. What neither list
holds has vanished: it has not ended, and stays as it is.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from notifier.domain.proposals.polled_page import PageAnswer, PageUnreadableError
from notifier.domain.proposals.source_rules import UpstreamRules
from notifier.domain.proposals.upstream import PageNews, UpstreamIncident
from notifier.services.upstreams.follow import FollowUpstream
from notifier.services.upstreams.ports import PageFetcher

Parse = Callable[[bytes], PageNews]
UNRESOLVED, SUMMARY, RECENT = (f"/api/v2/{name}.json" for name in ("incidents/unresolved", "summary", "incidents"))
_NOT_THERE = 404
Cursor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WatchUpstream:
    """A page of another provider, for the poller.

    Its cursor: `rules` (a digest of the mapping it was read with), `path` and `validators` of the list
    that the page offers, `listed` (ids of the incidents on it) and `page` (the provider's name).
    """

    rules: UpstreamRules
    fetcher: PageFetcher
    parse: Parse
    follow: FollowUpstream

    @property
    def name(self) -> str:
        """Its name among the polled pages."""
        return page_name(self.rules)

    @property
    def every(self) -> timedelta:
        """How often it is polled."""
        return self.rules.every

    def read(self, cursor: Cursor) -> Cursor:
        """Fetch what is unresolved, and report it; see `Page.read`."""
        known = cursor if cursor.get("rules") == self._digest else {}
        path, answer = self._list(known)
        if answer.body is None:
            listed, page = known.get("listed", []), known.get("page", "")
        else:
            news = self.parse(answer.body)
            listed, page = [incident.id for incident in news.incidents], news.name
            self._report(news.incidents, page)
        lost = self.follow.lost(listed, again=answer.body is not None)
        if lost:
            self._look_for(lost, page, is_whole=path == RECENT)
        self.follow.link()
        return {
            "rules": self._digest,
            "path": path,
            "validators": dict(answer.validators),
            "listed": listed,
            "page": page,
        }

    @property
    def _digest(self) -> str:
        return hashlib.sha256(repr(self.rules).encode()).hexdigest()

    def _list(self, known: Cursor) -> tuple[str, PageAnswer]:
        """Fetch the list that the page offers: some imitations lack the small one."""
        usual = known.get("path", UNRESOLVED)
        others = [path for path in (UNRESOLVED, SUMMARY, RECENT) if path != usual]
        try:
            return usual, self.fetcher.fetch(usual, known.get("validators", {}))
        except PageUnreadableError as error:
            if error.status != _NOT_THERE:
                raise
            missing = error
        for path in others:
            try:
                return path, self.fetcher.fetch(path, {})
            except PageUnreadableError as error:
                if error.status != _NOT_THERE:
                    raise
        raise missing

    def _look_for(self, lost: Collection[str], page: str, *, is_whole: bool) -> None:
        """Find out how incidents ended that are no longer listed."""
        found: Sequence[UpstreamIncident] = ()
        if not is_whole:
            answer = self.fetcher.fetch(RECENT, {})
            found = [one for one in self.parse(answer.body or b"").incidents if one.id in lost]
        self._report(found, page)
        self.follow.vanished(set(lost) - {one.id for one in found})

    def _report(self, incidents: Sequence[UpstreamIncident], page: str) -> None:
        followed = self.follow.ids()
        for incident in incidents:
            if incident.id in followed or not incident.status.is_over:  # history is not announced
                self.follow.take(incident, page or self.rules.name)


def page_name(rules: UpstreamRules) -> str:
    """Return the name of an upstream among the polled pages."""
    return f"upstream:{rules.name}"
