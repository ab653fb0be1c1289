"""The text of a card, the picture of a post, in one language. `drawing.py` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.domain.incidents.incident import AffectedComponent, Incident, Window
from notifier.domain.incidents.notice import MessageKind, Notice, NoticeUpdate
from notifier.rendering.datetimes import clock, day, short_day, span, zone, zone_name
from notifier.rendering.incident_view import Part, Storyteller
from notifier.rendering.labels import IMPACT, MOOD, MOVED, STATUS
from notifier.rendering.language import Language, pick
from notifier.rendering.text.markdown import to_text
from notifier.rendering.text.sanitize import clean_line, cut_at_grapheme

MAX_PARTS = 4
MAX_STEPS = 5
_MAX_ESSENCE = 400  # characters of the text shown if no component is named
_MAX_ALT = 1_000  # characters; X's limit


@dataclass(frozen=True, slots=True)
class Step:
    """One update on the timeline; `when` is a time of day, with the date if not the last one's."""

    when: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWords:
    """The text of a card. Deterministic. `mood` is a colour family of `labels.MOOD`.

    For maintenance, `impact` is the window and `moved` the previous one. `essence` is set only if
    no component is named. `steps` are the newest updates, oldest first; `more_steps` if older ones
    are omitted. `alt` describes all of it in sentences.
    """

    brand: str
    mood: str
    status: str
    impact: str
    moved: str
    title: str
    parts: tuple[Part, ...]
    more_parts: str
    essence: str
    steps: tuple[Step, ...]
    more_steps: bool
    date: str
    address: str
    alt: str


class CardWriter:
    """Writes the text of cards. Thread-safe."""

    def __init__(self, view: Storyteller) -> None:
        self._view = view

    def write(self, notice: Notice, locale: str, *, since: int) -> CardWords:
        """Return a notification's card in `locale`, for readers last reached by `since`."""
        view, incident = self._view, notice.incident
        reader = view.languages[locale]
        shown = MAX_PARTS if len(incident.components) <= MAX_PARTS else MAX_PARTS - 1  # one row says how many more
        parts = tuple(view.part(part, reader) for part in _worst_first(incident.components)[:shown])
        left_out = len(incident.components) - len(parts)
        kind, was = notice.kind_for(since), notice.moved_from(since)
        status = MOVED if kind is MessageKind.MAINTENANCE_MOVED else STATUS[notice.lead.status]
        # i18n: on a picture; %(window)s is the former time of planned maintenance
        moved = reader.gettext("Moved from %(window)s") % {"window": self._span(was, reader)} if was else ""
        words = {
            "brand": view.brand_name(reader),
            "status": reader.gettext(status),
            "impact": self._impact(incident, reader),
            "moved": moved,
            "title": view.title(incident, reader),
            "essence": "" if parts else self._essence(notice, reader),
        }
        more = reader.ngettext("and one more part", "and %(count)s more parts", left_out) % {"count": left_out}
        steps = self._steps(notice.updates[-MAX_STEPS:], reader)
        date = self._date(notice.lead, reader)
        return CardWords(
            **words,
            mood=MOOD[kind],
            parts=parts,
            more_parts=more if left_out else "",
            steps=steps,
            more_steps=len(notice.updates) > MAX_STEPS,
            date=date,
            address=view.page_url(reader.tag).partition("://")[2],
            alt=_alt(reader, words, [*map(_named, parts), *([more] if left_out else [])], steps, date),
        )

    def _impact(self, incident: Incident, reader: Language) -> str:
        """Return the impact; for maintenance, the window."""
        if incident.window is not None:
            return self._span(incident.window, reader)
        return reader.gettext(IMPACT[incident.impact]) if incident.impact in IMPACT else ""

    def _span(self, window: Window, reader: Language) -> str:
        return span(window, reader.cldr, zone(self._view.brand.timezone, "UTC"))

    def _essence(self, notice: Notice, reader: Language) -> str:
        _, body = pick(notice.lead.body, reader.tag, self._view.brand.default_locale)
        return clean_line(to_text(body, limit=4 * _MAX_ESSENCE, targets=False), _MAX_ESSENCE)

    def _steps(self, updates: Sequence[NoticeUpdate], reader: Language) -> tuple[Step, ...]:
        where = zone(self._view.brand.timezone, "UTC")
        last = updates[-1].posted_at.astimezone(where).date()
        steps = []
        for update in updates:
            when = clock(update.posted_at, reader.cldr, where)
            if update.posted_at.astimezone(where).date() != last:
                when = f"{short_day(update.posted_at, reader.cldr, where)} {when}"
            steps.append(Step(when, reader.gettext(STATUS[update.status])))
        return tuple(steps)

    def _date(self, lead: NoticeUpdate, reader: Language) -> str:
        where = zone(self._view.brand.timezone, "UTC")
        name = zone_name(lead.posted_at.astimezone(where), reader.cldr, where)
        return f"{day(lead.posted_at, reader.cldr, where)} ({name})"


_HEALTH = ("major_outage", "partial_outage", "degraded_performance", "under_maintenance", None, "operational")


def _worst_first(components: Sequence[AffectedComponent]) -> list[AffectedComponent]:
    """Sort by severity, then in the producer's order, so that the least affected are omitted."""
    return sorted(components, key=lambda one: _HEALTH.index(one.status.value if one.status else None))


def _named(part: Part) -> str:
    return f"{part.name}: {part.status}" if part.status else part.name


def _alt(reader: Language, words: dict[str, str], named: Sequence[str], steps: Sequence[Step], date: str) -> str:
    sentences = [f"{words['brand']}. {words['status']}: {words['title']}."]
    sentences += [f"{words[name]}." for name in ("impact", "moved") if words[name]]
    if named:
        # i18n: in the description of a picture; %(parts)s lists parts of the platform, each with its health
        sentences.append(reader.gettext("Affected: %(parts)s.") % {"parts": "; ".join(named)})
    else:
        sentences.append(words["essence"])
    timeline = "; ".join(f"{step.when} {step.word}" for step in steps)
    # i18n: in the description of a picture; %(steps)s lists updates, each with its time
    sentences.append(reader.gettext("Timeline of %(date)s: %(steps)s.") % {"date": date, "steps": timeline})
    return cut_at_grapheme(" ".join(filter(None, sentences)), _MAX_ALT)
