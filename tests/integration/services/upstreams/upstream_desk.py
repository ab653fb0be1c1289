"""A scheduler that watches one local page, and the person who answers what it proposes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from notifier.channels.page_client import PageClient
from notifier.domain.incidents.incident import Event
from notifier.domain.messages.brand import Brand, Component
from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.signal import Signal, SignalState
from notifier.domain.proposals.source_rules import UpstreamMode, UpstreamRules
from notifier.domain.values import Impact
from notifier.inbound.drafts import DraftReader
from notifier.inbound.sources.upstream_page import parse_upstream_page
from notifier.services.drafts.manage import Drafts
from notifier.services.drafts.placeholders import Placeholders
from notifier.services.drafts.publish import PublishDraft
from notifier.services.drafts.templates import Templates
from notifier.services.security.audit import Actor
from notifier.services.signals.contents import Contents
from notifier.services.signals.proposals import Proposals
from notifier.services.signals.take_report import TakeReport
from notifier.services.upstreams.follow import FollowUpstream
from notifier.services.upstreams.poll import PollPage
from notifier.services.upstreams.watch import WatchUpstream
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from notifier.storage.proposals import drafts, polled_pages, signals
from tests.integration.subscriber_lists import Clock
from tests.support.pipeline_harness import Pipeline
from tests.support.status_page import StatusPage, status_page

ANNA = Actor("user:anna@shop.example", "192.0.2.7")
PAGE = "upstream:cloudflare"
KEYS = ("backoffice", "storefront", "checkout", "api", "pos")
BRAND = Brand(
    name={"nl": "Mijnwebwinkel", "en": "MyOnlineStore"},
    from_email={},
    default_locale="en",
    timezone="Europe/Amsterdam",
    locales=("nl", "en"),
)
RULES = UpstreamRules(
    name="cloudflare",
    url="http://127.0.0.1",
    every=timedelta(seconds=60),
    min_impact=Impact.MINOR,
    components={"CDN/Cache": ("storefront", "checkout"), "DNS": ("api",), "*": ()},
    mode=UpstreamMode.DRAFT,
)


class Anything:
    """Takes events with any component and locale."""

    def check(self, event: Event) -> None:
        """Refuse nothing."""


class UpstreamDesk:
    """Polls when it is told; `later` lets time pass."""

    def __init__(self, database: Database, page: StatusPage, **rules: Any) -> None:
        self.database, self.page, self.clock = database, page, Clock()
        self.rules = replace(RULES, url=page.url, **rules)
        self.pipeline = Pipeline(database, time=self.clock)
        placeholders = Placeholders(BRAND, [Component(key=key, name={"en": key.title()}) for key in KEYS])
        templates = Templates(database, self.clock, (), placeholders)
        within = timedelta(minutes=10)
        proposals = Proposals(Contents(templates), within)
        reports = TakeReport(database, self.clock, proposals, within)
        follow = FollowUpstream(self.rules, database, self.clock, reports)
        self.client = PageClient(page.url, connect_timeout=5, timeout=5)
        self.watch = WatchUpstream(self.rules, self.client, parse_upstream_page, follow)
        reader = DraftReader(Anything(), "en")
        self.manage = Drafts(database, self.clock, reader, templates)
        self.publishing = PublishDraft(database, self.clock, reader, self.pipeline.ingest, proposals)

    def poller(self, owner: str = "one") -> PollPage:
        return PollPage(self.database, self.clock, owner, self.watch, chance=lambda: 0.5)

    def poll(self) -> timedelta:
        return self.poller().run()

    def later(self, seconds: float = 61) -> timedelta:
        self.clock.advance(seconds=seconds)
        return self.poll()

    def drafts(self, state: DraftState = DraftState.OPEN) -> list[Draft]:
        with self.database.read() as connection:
            return list(reversed(drafts.page(connection, state, before=None, limit=50)))

    def draft(self, state: DraftState = DraftState.OPEN) -> Draft:
        (found,) = self.drafts(state)
        return found

    def signals(self, *states: SignalState) -> list[Signal]:
        with self.database.read() as connection:
            return signals.page(connection, states=states, source=None, before=None, limit=50)

    def publish(self, draft: Draft) -> Mapping[str, Any]:
        self.clock.advance(seconds=1)
        return self.publishing.publish(draft.id, seen_version=draft.version, actor=ANNA)

    def links(self, incident_id: str) -> list[str]:
        with self.database.read() as connection:
            row = timeline.get_incident(connection, incident_id)
            shown = timeline.full_updates(connection, incident_id)[-1].incident["links"]
        assert row is not None
        assert row.links == shown
        found: list[str] = row.links
        return found

    @property
    def failures(self) -> int:
        with self.database.read() as connection:
            known = polled_pages.find(connection, PAGE)
        return known.failures if known else 0


@contextmanager
def upstream_desk(database: Database, **rules: Any) -> Iterator[UpstreamDesk]:
    """Open a desk with a page of its own."""
    with status_page() as page:
        desk = UpstreamDesk(database, page, **rules)
        try:
            yield desk
        finally:
            desk.client.close()
