"""What the draft of some signals says: the source's own words, a template, or neutral texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.proposals.grouping import BEGAN_AT, worst_of
from notifier.domain.proposals.signal import OWN_PAGE, UPSTREAM, Signal, SignalState
from notifier.domain.values import ComponentStatus, Impact, Status
from notifier.services.drafts.built_in_texts import Occasion, Texts, body_of, title_of
from notifier.services.drafts.manage import incident_parts
from notifier.services.drafts.placeholders import Facts
from notifier.services.drafts.propose import Content
from notifier.services.drafts.templates import Prepared, Templates
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.incidents.open_incidents import IncidentNow

_WINDOW = ("scheduled_for", "scheduled_until")


@dataclass(frozen=True)
class Contents:
    """Writes the contents of suggested drafts."""

    templates: Templates

    def start(self, connection: Connection, signals: Sequence[Signal], template_id: str | None) -> Content:
        """Return what proposes a new incident: all components of the signals that fire, their greatest impact."""
        firing = [signal for signal in signals if signal.state is SignalState.FIRING] or list(signals)
        first, components = firing[0], worst_of(signal.components for signal in firing)
        facts = Facts(
            components=tuple(components),
            source=first.source,
            upstream=str(first.facts.get("page", "")),
            link=first.link or "",
            at=_began(firing),
        )
        prepared = self._prepared(connection, first, facts, template_id)
        links = dict.fromkeys(link for signal in firing if (link := signal.public_link))
        incident: dict[str, Any] = {
            "title": prepared.incident["title"],
            "impact": prepared.incident.get("impact") or _greatest(firing).value,
            "components": _as_json(components) or prepared.incident.get("components", []),
            "started_at": instant_to_json(_began(firing)),
            "links": list(links),
        }
        incident |= {"id": prepared.incident["id"]} if "id" in prepared.incident else {}
        incident |= {name: first.facts[name] for name in _WINDOW if first.facts.get(name)}
        return Content(incident=incident, update=prepared.update, notify=first.facts.get("notify") is not False)

    def progress(self, connection: Connection, incident: IncidentNow, signal: Signal) -> Content:
        """Return what tells readers of a running incident where its source has got to."""
        if signal.kind != UPSTREAM:
            own = _own_words(signal)
            parts = incident_parts(connection, incident.id)
            if signal.components:
                parts |= {"components": _as_json(signal.components)}
            status = own.update.get("status", incident.status.value)
            return _update(incident, parts, status, own.update.get("body", {}), own.update.get("id"))
        parts = incident_parts(connection, incident.id)
        known = parts.get("links", ())
        links = dict.fromkeys((*known, *([signal.link] if signal.link else ())))
        occasion = _stage(signal, is_told=signal.link in known)
        body = self._filled(body_of(occasion, self._locales), Facts.of(signal))
        status = Status.MONITORING if occasion is Occasion.UPSTREAM_FIX else Status.IDENTIFIED
        return _update(incident, parts | {"links": list(links)}, status.value, body)

    def end(self, connection: Connection, incident: IncidentNow, signal: Signal) -> Content:
        """Return what ends a running incident; all of its components work again."""
        parts = incident_parts(connection, incident.id)
        keys = [item["key"] for item in parts.get("components", ())]
        operational = [{"key": key, "status": ComponentStatus.OPERATIONAL.value} for key in keys]
        own = _own_words(signal).update
        is_said = Status(own["status"]).closes if own.get("status") else False
        body = own["body"] if is_said and own.get("body") else body_of(Occasion.END, self._locales)
        status = own["status"] if is_said else Status.RESOLVED.value
        its_id = own["id"] if is_said and own.get("id") else None
        return _update(incident, parts | {"components": operational}, status, body, its_id)

    def _prepared(self, connection: Connection, first: Signal, facts: Facts, template_id: str | None) -> Prepared:
        own = _own_words(first)
        template = self.templates.find(connection, template_id) if template_id else None
        texts = self.templates.texts(template, facts) if template else self._built_in(first, facts)
        if first.kind == UPSTREAM or not own.incident:
            return texts
        return Prepared(incident={**texts.incident, **own.incident}, update={**texts.update, **own.update})

    def _built_in(self, first: Signal, facts: Facts) -> Prepared:
        is_upstream = first.kind == UPSTREAM
        occasion = Occasion.UPSTREAM_START if is_upstream else Occasion.START
        title = title_of(occasion, self._locales, with_components=bool(facts.components))
        status = Status.IDENTIFIED if is_upstream else Status.INVESTIGATING
        return Prepared(
            incident={"title": self._filled(title, facts)},
            update={"status": status.value, "body": self._filled(body_of(occasion, self._locales), facts)},
        )

    def _filled(self, texts: Texts, facts: Facts) -> dict[str, str]:
        return self.templates.placeholders.filled(texts, facts)

    @property
    def _locales(self) -> Sequence[str]:
        return self.templates.placeholders.brand.locales


def _update(
    incident: IncidentNow, parts: dict[str, Any], status: str, body: Texts, update_id: str | None = None
) -> Content:
    described = {name: value for name, value in parts.items() if name != "id"}
    update: dict[str, Any] = {"status": status, "body": dict(body)} | ({"id": update_id} if update_id else {})
    return Content(incident=described, update=update, incident_id=incident.id, after=incident.latest_update_id)


def _own_words(signal: Signal) -> Prepared:
    """The words of the source that may be proposed to readers as they are; empty where there are none.

    An incident of our own Statuspage keeps its ids, so that it is one incident, however it comes in.
    """
    facts = signal.facts
    incident = {"title": facts["title"]} if facts.get("title") else {}
    update = {name: facts[name] for name in ("status", "body") if facts.get(name)}
    if signal.kind == OWN_PAGE:
        incident |= {"id": facts["incident"]} if facts.get("incident") else {}
        update |= {"id": facts["update"]} if facts.get("update") else {}
    return Prepared(incident=incident, update=update)


def _stage(signal: Signal, *, is_told: bool) -> Occasion:
    """What an upstream's status means to readers; `is_told`: they know that it is the cause."""
    status = signal.facts.get("status")
    if status == Status.MONITORING:
        return Occasion.UPSTREAM_FIX
    return Occasion.UPSTREAM_IDENTIFIED if is_told and status == Status.IDENTIFIED else Occasion.UPSTREAM_CAUSE


def _greatest(signals: Sequence[Signal]) -> Impact:
    return max((signal.impact for signal in signals), key=lambda impact: impact.rank)


def _began(signals: Sequence[Signal]) -> datetime:
    """When it began: the earliest that a source said, else when the first report came."""
    said = [datetime.fromisoformat(signal.facts[BEGAN_AT]) for signal in signals if signal.facts.get(BEGAN_AT)]
    return min(said or [signal.first_seen_at for signal in signals])


def _as_json(components: Any) -> list[dict[str, str | None]]:
    return [{"key": key, "status": status.value if status else None} for key, status in components.items()]
