"""What turns reports into signals and drafts: for inbound webhooks, and for pages that are polled."""

from notifier.bootstrap.container import Container
from notifier.services.drafts.placeholders import Placeholders
from notifier.services.drafts.templates import Templates
from notifier.services.signals.contents import Contents
from notifier.services.signals.proposals import Proposals
from notifier.services.signals.take_report import TakeReport


def build_proposals(container: Container) -> Proposals:
    """Build what keeps the drafts of signals up to date."""
    settings = container.settings
    placeholders = Placeholders(settings.brand(), settings.components())
    templates = Templates(container.database, container.clock, settings.templates(), placeholders)
    return Proposals(Contents(templates), settings.draft_rules().merge_within)


def build_reports(container: Container) -> TakeReport:
    """Build what takes reports in."""
    merge_within = container.settings.draft_rules().merge_within
    return TakeReport(container.database, container.clock, build_proposals(container), merge_within)
