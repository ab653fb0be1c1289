"""Incidents of a Statuspage -> reports, for pages whose incidents a person reviews before they are published here."""

from datetime import datetime
from typing import Any

from notifier.domain.ids import digest
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.status_news import IncidentNews
from notifier.domain.proposals.page_languages import marked_languages
from notifier.domain.proposals.signal import OWN_PAGE, Alert, Report
from notifier.inbound.sources.requests import ReadingRules
from notifier.inbound.statuspage import PageSource


def page_source(reading: ReadingRules) -> PageSource:
    """Return how to read a page. In another language than its texts begin with, they are not split."""
    languages = marked_languages(reading.source.languages)
    return PageSource(
        source=reading.source.name,
        locale=reading.locale,
        components=reading.components,
        mapping=reading.source.components,
        languages=languages if languages and languages[0].locale == reading.locale else (),
        url=reading.source.url,
    )


def report_of(news: IncidentNews, source: str, at: datetime) -> Report:
    """Return what the newest update of a page's incident says, with the page's own words."""
    event = news.events[-1]
    incident, update = event.incident, event.update
    alert = Alert(
        key=digest(incident.id),
        is_firing=not update.status.is_over,
        impact=incident.impact,
        components={component.key: component.status for component in incident.components},
        started_at=incident.started_at,
    )
    return Report(
        source=source,
        kind=OWN_PAGE,
        group=incident.id,
        change=digest(event.id),
        alerts=(alert,),
        at=at,
        title=next(iter(incident.title.values()), ""),
        detail=next(iter(update.body.values()), ""),
        link=next(iter(incident.links), None),
        facts=_facts(event),
    )


def _facts(event: Event) -> dict[str, Any]:
    window = {
        name: moment.isoformat()
        for name in ("scheduled_for", "scheduled_until")
        if (moment := getattr(event.incident, name)) is not None
    }
    said: dict[str, Any] = {"incident": event.incident.id, "update": event.update.id}
    said |= {"title": dict(event.incident.title), "body": dict(event.update.body), "status": event.update.status.value}
    return said | window | {"notify": event.notify}
