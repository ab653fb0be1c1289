"""What polls status pages, in the scheduler's process."""

from functools import partial

from notifier.bootstrap.container import Container
from notifier.bootstrap.proposals import build_reports
from notifier.channels.page_client import PageClient
from notifier.domain.proposals.source_rules import SourceRules, UpstreamRules
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.sources.requests import ReadingRules
from notifier.inbound.sources.statuspage import page_source, report_of
from notifier.inbound.sources.upstream_page import parse_upstream_page
from notifier.inbound.statuspage import PageSource, parse_statuspage_listing
from notifier.services.events.integrations import IngestStatuspage
from notifier.services.signals.take_report import TakeReport
from notifier.services.upstreams.follow import FollowUpstream
from notifier.services.upstreams.own_page import WatchOwnPage
from notifier.services.upstreams.page_news import TakePageNews
from notifier.services.upstreams.poll import PollPage
from notifier.services.upstreams.poller import Poller
from notifier.services.upstreams.ports import Page, PageFetcher
from notifier.services.upstreams.watch import WatchUpstream
from notifier.settings import Settings

_CONNECT_SECONDS, _SECONDS = 5.0, 10.0


def build_poller(container: Container) -> Poller:
    """Build what polls the configured pages; must be started."""
    reports = build_reports(container)
    upstreams = [_watched(container, rules, reports) for rules in container.settings.upstreams()]
    own = [
        watched_source(container, rules, page_client(rules.url)) for rules in container.settings.sources() if rules.url
    ]
    pages: list[Page] = [*upstreams, *own]
    polls = [PollPage(container.database, container.clock, container.owner, page) for page in pages]
    return Poller(polls, container.isolation)


def page_client(url: str) -> PageClient:
    """Return a client of a page, which must be closed."""
    return PageClient(url, connect_timeout=_CONNECT_SECONDS, timeout=_SECONDS)


def own_page(settings: Settings, rules: SourceRules) -> PageSource:
    """Return how to read our own Statuspage."""
    written = rules.languages[0] if rules.languages else rules.locale
    locale = written or settings.brand().default_locale
    return page_source(ReadingRules(source=rules, components=ComponentNames(settings.components()), locale=locale))


def own_pages(settings: Settings) -> list[PageSource]:
    """Return how to read those of our own Statuspages whose address is known."""
    return [own_page(settings, rules) for rules in settings.sources() if rules.url]


def watched_source(container: Container, rules: SourceRules, fetcher: PageFetcher) -> WatchOwnPage:
    """Build what watches our own Statuspage, as it is configured."""
    announcing = IngestStatuspage(container.database, container.clock, container.ingest)
    return WatchOwnPage(
        rules,
        fetcher,
        partial(parse_statuspage_listing, page=own_page(container.settings, rules)),
        TakePageNews(rules, announcing, build_reports(container), report_of),
        container.clock,
    )


def _watched(container: Container, rules: UpstreamRules, reports: TakeReport) -> WatchUpstream:
    follow = FollowUpstream(rules, container.database, container.clock, reports)
    return WatchUpstream(rules, page_client(rules.url), parse_upstream_page, follow)
