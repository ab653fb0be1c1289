"""What polls status pages, in the scheduler's process."""

from notifier.bootstrap.container import Container
from notifier.bootstrap.proposals import build_reports
from notifier.channels.page_client import PageClient
from notifier.domain.proposals.source_rules import UpstreamRules
from notifier.inbound.sources.upstream_page import parse_upstream_page
from notifier.services.signals.take_report import TakeReport
from notifier.services.upstreams.follow import FollowUpstream
from notifier.services.upstreams.poll import PollPage
from notifier.services.upstreams.poller import Poller
from notifier.services.upstreams.watch import WatchUpstream

_CONNECT_SECONDS, _SECONDS = 5.0, 10.0


def build_poller(container: Container) -> Poller:
    """Build what polls the configured pages; must be started."""
    reports = build_reports(container)
    pages = [_watched(container, rules, reports) for rules in container.settings.upstreams()]
    polls = [PollPage(container.database, container.clock, container.owner, page) for page in pages]
    return Poller(polls, container.isolation)


def _watched(container: Container, rules: UpstreamRules, reports: TakeReport) -> WatchUpstream:
    client = PageClient(rules.url, connect_timeout=_CONNECT_SECONDS, timeout=_SECONDS)
    follow = FollowUpstream(rules, container.database, container.clock, reports)
    return WatchUpstream(rules, client, parse_upstream_page, follow)
