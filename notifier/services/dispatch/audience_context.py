"""Build the context that routing and deferral rules need of a notification."""

from collections.abc import Sequence

from notifier.domain.recipients.audience import AudienceContext, IncidentScope
from notifier.domain.values import Status
from notifier.storage.notifications.notifications import StoredNotification


def context_of(stored: StoredNotification, scopes: Sequence[IncidentScope]) -> AudienceContext:
    """Return the rules' context; `scopes` are the incident's scopes in this episode."""
    notice = stored.notice
    scope = IncidentScope(impact=notice.incident.impact, components=notice.incident.component_keys)
    return AudienceContext(
        channel=stored.channel,
        scope=scope,
        earlier_scopes=tuple(item for item in scopes if item != scope),
        closes=notice.closes,
        postmortem=notice.lead.status is Status.POSTMORTEM,
        milestone=notice.is_milestone,
    )
