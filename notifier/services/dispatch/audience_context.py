"""What routing and holding need to know of a notification."""

from collections.abc import Sequence

from notifier.domain.recipients.audience import AudienceContext, IncidentScope
from notifier.domain.values import Status
from notifier.storage.notifications.notifications import StoredNotification


def context_of(stored: StoredNotification, scopes: Sequence[IncidentScope]) -> AudienceContext:
    """Return what the rules look at; `scopes` are those the incident has had in this round."""
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
