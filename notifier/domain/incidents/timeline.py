"""What ingest makes of an event: new, said before, too late, an edit, or only to be recorded.

`classify` is a pure function of the event and of what the incident's timeline holds. Ingest and `notifier simulate` run
this very code; what is accepted goes on to `coalesce.decide`, channel by channel.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.coalesce import reopens
from notifier.domain.incidents.incident import Event, Update
from notifier.domain.incidents.snapshot import lacks_window
from notifier.domain.values import Outcome, Status

CLOCK_SKEW = timedelta(minutes=10)  # how far ahead of ours a producer's clock is believed
_FACTS = 24  # hexadecimal digits of a digest that stand for the facts, the other 40 for the words


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One update of a stored timeline, as it reads now. `number` is its place by arrival."""

    update_id: str
    number: int
    status: Status
    ordered_at: datetime  # as `Update.ordered_at`
    digest: str  # of `content_digest`
    notify: bool = True  # told, or to be told
    visible: bool = True
    held: bool = False  # waits for a person, or was called off

    @property
    def shown(self) -> bool:
        """Whether the public sees it."""
        return self.visible and not self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineContext:
    """What a timeline holds around the place an event's update would take. None where there is no such entry."""

    latest: TimelineEntry | None = None  # the newest in order, at equal times by arrival
    before: TimelineEntry | None = None  # the newest that is not later in order
    after: TimelineEntry | None = None  # the oldest that is later in order
    same_id: TimelineEntry | None = None  # the entry of the same update id
    copied: TimelineEntry | None = None  # one of the same time that says the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What becomes of an event.

    `edits`: it replaces the entry of the same update id instead of adding one; if it is accepted too, every channel
    announces that update again. `reopens`: it is trouble again after the end, a new beginning.
    """

    outcome: Outcome
    reason: str
    edits: bool = False
    reopens: bool = False


def content_digest(event: Event) -> str:
    """Return 64 hexadecimal digits for what an event says, without ids and times: two producers of one news agree.

    Line ends and outer blanks do not count, nor does the order of components. Links and `started_at` are no news.
    """
    return _facts_digest(event)[:_FACTS] + _words_digest(event)[: 64 - _FACTS]


def event_digest(event: Event) -> str:
    """Return 64 hexadecimal digits for a whole event but its own id, its times and its author.

    What bears the same event id and another digest is no repeat: somebody changed the text and kept the id.
    """
    said = [event.incident.id, event.update.id, event.notify, event.visible, list(event.incident.links)]
    return _sha256([said, content_digest(event)])


def same_facts(digest: str, other: str) -> bool:
    """Whether two contents agree on status, impact, components and schedule, and differ in words at most."""
    return digest[:_FACTS] == other[:_FACTS]


def _facts_digest(event: Event) -> str:
    incident = event.incident
    schedule = (incident.scheduled_for, incident.scheduled_until)
    facts = [
        event.update.status.value,
        incident.impact.value,
        sorted(
            [component.key, component.status.value if component.status else ""] for component in incident.components
        ),
        [moment.timestamp() if moment else None for moment in schedule],
    ]
    return _sha256(facts)


def _words_digest(event: Event) -> str:
    said: list[object] = [_tidy(event.incident.title), _tidy(event.update.body)]
    if event.update.next_update_at is not None:
        said.append(event.update.next_update_at.timestamp())
    return _sha256(said)


def _tidy(texts: Mapping[str, str]) -> dict[str, str]:
    return {locale: text.replace("\r\n", "\n").strip() for locale, text in texts.items()}


def _sha256(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def believed(update: Update, received_at: datetime) -> Update:
    """Return an update with the times that count: never later than a clock ahead of ours could explain.

    Everything older than an announced update is stale, so one update dated in the future would silence all that
    follow. What claims to be from further ahead than `CLOCK_SKEW` is taken as posted on arrival.
    """
    latest = received_at + CLOCK_SKEW
    posted_at = update.posted_at if update.posted_at <= latest else received_at
    created_at = update.created_at if update.created_at is None or update.created_at <= latest else received_at
    return replace(update, posted_at=posted_at, created_at=created_at)


def in_order(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Return a timeline as readers see it, the latest last; at equal times by arrival."""
    return sorted(entries, key=lambda entry: (entry.ordered_at, entry.number))


def unknown_to_author(after: str | None, entries: Sequence[TimelineEntry]) -> TimelineEntry | None:
    """Return the latest entry if it is not the one that an event's author took for the latest.

    Args:
        after: That update's id; None: the author makes no claim.
        entries: The whole timeline, in any order; held and silent updates count.

    Raises:
        InvalidInputError: the timeline has no such entry.
    """
    if after is None:
        return None
    if all(entry.update_id != after for entry in entries):
        raise InvalidInputError([FieldError("after", "names no update of this incident; leave it out if it has none")])
    latest = in_order(entries)[-1]
    return latest if latest.update_id != after else None


def measured_against(entries: Sequence[TimelineEntry], event: Event, *, waits: bool) -> list[TimelineEntry]:
    """Return the entries that an event is judged by: those that its own readers can know of.

    Else a person's word would be a "duplicate" of what nobody was told. `waits`: the guard holds the event back, so
    what is held counts too. What is to stay hidden is measured against everything.
    """
    if not event.visible:
        return list(entries)
    return [
        entry
        for entry in entries
        if entry.shown or (entry.held and waits) or (entry.update_id == event.update.id and not entry.held)
    ]


def timeline_context(entries: Sequence[TimelineEntry], event: Event, digest: str) -> TimelineContext:
    """Find an event's surroundings in a whole timeline, given in any order. `digest` is the event's."""
    ordered = in_order(entries)
    place = event.update.ordered_at
    return TimelineContext(
        latest=ordered[-1] if ordered else None,
        before=next((entry for entry in reversed(ordered) if entry.ordered_at <= place), None),
        after=next((entry for entry in ordered if entry.ordered_at > place), None),
        same_id=next((entry for entry in ordered if entry.update_id == event.update.id), None),
        copied=next((entry for entry in ordered if (entry.ordered_at, entry.digest) == (place, digest)), None),
    )


def classify(
    event: Event,
    digest: str,
    around: TimelineContext,
    *,
    announced_until: datetime | None = None,
    seen_before: Outcome | None = None,
    differs: bool = False,
) -> Classification:
    """Decide, touching nothing, what becomes of an event.

    Args:
        event: With its update as `believed` gives it.
        digest: Its `content_digest`.
        around: What its incident's timeline holds.
        announced_until: `ordered_at` of the newest update that any channel has announced; None if none has.
        seen_before: What became of an event of the same id, if there was one.
        differs: That event had another content.
    """
    if seen_before is not None:
        return Classification(
            outcome=Outcome.DUPLICATE, reason=handed_in_before(event.id, seen_before, differs=differs)
        )
    same = around.same_id
    repeated = _repeated(event, digest, around.latest, same)
    if repeated is not None and not (same is not None and same.visible is not event.visible):
        return repeated
    if same is not None and same.shown:
        return _classify_edit(event, digest, around, same, announced_until)
    return _classify_new(event, digest, around, announced_until)


def handed_in_before(event_id: str, outcome: Outcome, *, differs: bool = False) -> str:
    """Return the reason why an event of a known id is a duplicate."""
    if differs:
        return f"event {event_id} was already published with different content; nothing was changed; use a new id"
    return f"event {event_id} was already published ({outcome})"


def _repeated(event: Event, digest: str, *entries: TimelineEntry | None) -> Classification | None:
    """Find an entry that says the same. What was told to nobody is no repeat of what is to be told."""
    for entry in entries:
        if entry is not None and entry.digest == digest and (entry.notify or not event.notify):
            return Classification(outcome=Outcome.DUPLICATE, reason=f"has the same content as update {entry.update_id}")
    return None


def _silence(event: Event) -> str:
    """Return why an event is told to nobody; empty where it may be."""
    if not event.visible:
        return "visible is false"
    if not event.notify:
        return "notify is false"
    if lacks_window(event):
        return "its source says neither when the planned work starts nor when it ends"
    return ""


def _classify_new(
    event: Event, digest: str, around: TimelineContext, announced_until: datetime | None
) -> Classification:
    if not event.notify or not event.visible:
        return Classification(outcome=Outcome.RECORDED, reason=_silence(event))
    # A late copy by another way, under other ids, whatever has been said since.
    repeated = _repeated(event, digest, around.copied, around.before, around.after)
    if repeated is not None:
        return repeated
    silent = _silence(event)
    if silent:
        return Classification(outcome=Outcome.RECORDED, reason=silent)
    if announced_until is not None and event.update.ordered_at < announced_until:
        return Classification(outcome=Outcome.STALE, reason="older than an update that was already announced")
    return _accept(event, around)


def _accept(event: Event, around: TimelineContext) -> Classification:
    latest = around.latest
    is_newest = latest is None or latest.ordered_at <= event.update.ordered_at
    again = latest is not None and is_newest and not reopens(latest.status) and reopens(event.update.status)
    reason = "trouble again after the end: a new beginning" if again else "will be announced"
    return Classification(outcome=Outcome.ACCEPTED, reason=reason, reopens=again)


def _classify_edit(
    event: Event, digest: str, around: TimelineContext, edited: TimelineEntry, announced_until: datetime | None
) -> Classification:
    """Decide about an update id that the timeline holds with another content.

    New words alone (a typo) are told to nobody unless that is asked for. New facts under the old id are news all the
    same: a producer that has one id per incident would otherwise never be heard to say "resolved".
    """
    update_id = event.update.id
    silent = _silence(event)
    if silent:
        reason = f"an edit of update {update_id}, and {silent}"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    if not _becomes_newest(event, around, edited, announced_until):
        reason = f"an edit of update {update_id}, which newer ones have overtaken"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    if same_facts(digest, edited.digest) and edited.notify and not event.announce_edits:
        reason = f"an edit of the words of update {update_id}: kept in the timeline, not announced by itself"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    again = not reopens(edited.status) and reopens(event.update.status)
    reason = f"an edit of update {update_id} that will be announced"
    return Classification(outcome=Outcome.ACCEPTED, reason=reason, edits=True, reopens=again)


def _becomes_newest(
    event: Event, around: TimelineContext, edited: TimelineEntry, announced_until: datetime | None
) -> bool:
    """Whether the edited update describes the present state. It keeps its time unless the edit is dated later."""
    place = max(event.update.ordered_at, edited.ordered_at)
    if announced_until is not None and place < announced_until:
        return False
    latest = around.latest
    return latest is None or latest.update_id == edited.update_id or latest.ordered_at < place
