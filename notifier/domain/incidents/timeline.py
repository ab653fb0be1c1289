"""Classify an event: new, duplicate, stale, an edit, or to be recorded only.

`classify` is a pure function of the event and its incident's timeline. Ingest and
`notifier simulate` both run it; accepted events go on to `coalesce.decide`, channel by channel.
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

CLOCK_SKEW = timedelta(minutes=10)  # how far a producer's clock may be ahead of ours
_FACTS = 24  # hex digits of a digest for the facts; the other 40 are for the text


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One stored update in its current version. `number` is the order of arrival."""

    update_id: str
    number: int
    status: Status
    ordered_at: datetime  # as `Update.ordered_at`
    digest: str  # of `content_digest`
    notify: bool = True  # announced, or to be announced
    visible: bool = True
    held: bool = False  # waits for an operator, or was canceled

    @property
    def shown(self) -> bool:
        """Whether it is public."""
        return self.visible and not self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineContext:
    """The timeline entries around an event's position; None if there is no such entry."""

    latest: TimelineEntry | None = None  # the newest in order, at equal times by arrival
    before: TimelineEntry | None = None  # the newest that is not later in order
    after: TimelineEntry | None = None  # the oldest that is later in order
    same_id: TimelineEntry | None = None  # the entry of the same update id
    copied: TimelineEntry | None = None  # an entry with the same time and content


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """How an event is handled.

    `edits`: it replaces the entry with the same update id; if it is also accepted, every channel
    announces that update again. `reopens`: trouble after the end, which starts a new episode.
    """

    outcome: Outcome
    reason: str
    edits: bool = False
    reopens: bool = False


def content_digest(event: Event) -> str:
    """Return 64 hex digits for an event's content, without ids and times.

    Two producers that report the same thing get the same digest. Line ends, surrounding whitespace
    and the order of components do not matter. Links and `started_at` are not content.
    """
    return _facts_digest(event)[:_FACTS] + _words_digest(event)[: 64 - _FACTS]


def event_digest(event: Event) -> str:
    """Return 64 hex digits for a whole event except its own id, times and author.

    The same event id with another digest is not a repeat: the content was changed under the same
    id.
    """
    content = [event.incident.id, event.update.id, event.notify, event.visible, list(event.incident.links)]
    if event.incident.automation is not None:
        content.append(repr(event.incident.automation))
    return _sha256([content, content_digest(event)])


def same_facts(digest: str, other: str) -> bool:
    """Whether two contents agree on status, impact, components and schedule, if not on text."""
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
    content: list[object] = [_tidy(event.incident.title), _tidy(event.update.body)]
    if event.reminder:  # the words are the same each time
        content.append(event.update.id)
    if event.update.next_update_at is not None:
        content.append(event.update.next_update_at.timestamp())
    return _sha256(content)


def _tidy(texts: Mapping[str, str]) -> dict[str, str]:
    return {locale: text.replace("\r\n", "\n").strip() for locale, text in texts.items()}


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def believed(update: Update, received_at: datetime) -> Update:
    """Return an update with implausible future times corrected.

    Everything older than an announced update is stale, so one update dated in the future would make
    all that follow stale. Times more than `CLOCK_SKEW` ahead are replaced by the time of arrival.
    """
    latest = received_at + CLOCK_SKEW
    posted_at = update.posted_at if update.posted_at <= latest else received_at
    created_at = update.created_at if update.created_at is None or update.created_at <= latest else received_at
    return replace(update, posted_at=posted_at, created_at=created_at)


def in_order(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Return a timeline in display order, latest last; at equal times by arrival."""
    return sorted(entries, key=lambda entry: (entry.ordered_at, entry.number))


def unknown_to_author(after: str | None, entries: Sequence[TimelineEntry]) -> TimelineEntry | None:
    """Return the latest entry if the event's author did not know of it.

    Args:
        after: Id of the update that the author believed to be the latest; None: no claim.
        entries: The whole timeline, in any order; held and silent updates count.

    Raises:
        InvalidInputError: the timeline has no such entry.
    """
    if after is None:
        return None
    if all(entry.update_id != after for entry in entries):
        raise InvalidInputError([FieldError("after", "names no update of this incident; omit it if there is none")])
    latest = in_order(entries)[-1]
    return latest if latest.update_id != after else None


def measured_against(entries: Sequence[TimelineEntry], event: Event, *, waits: bool) -> list[TimelineEntry]:
    """Return the entries to compare an event with: those visible to its own readers.

    Otherwise an operator's update could be a "duplicate" of one that was never published. `waits`:
    the blast guard holds this event, so held entries count too. A hidden event is compared with
    all.
    """
    if not event.visible:
        return list(entries)
    return [
        entry
        for entry in entries
        if entry.shown or (entry.held and waits) or (entry.update_id == event.update.id and not entry.held)
    ]


def timeline_context(entries: Sequence[TimelineEntry], event: Event, digest: str) -> TimelineContext:
    """Find the entries around an event in a timeline given in any order.

    `digest` is the event's.
    """
    ordered = in_order(entries)
    ordered_at = event.update.ordered_at
    return TimelineContext(
        latest=ordered[-1] if ordered else None,
        before=next((entry for entry in reversed(ordered) if entry.ordered_at <= ordered_at), None),
        after=next((entry for entry in ordered if entry.ordered_at > ordered_at), None),
        same_id=next((entry for entry in ordered if entry.update_id == event.update.id), None),
        copied=next((entry for entry in ordered if (entry.ordered_at, entry.digest) == (ordered_at, digest)), None),
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
    """Decide how an event is handled, without side effects.

    Args:
        event: With its update as returned by `believed`.
        digest: Its `content_digest`.
        around: The timeline entries around it.
        announced_until: `ordered_at` of the newest update announced on any channel; None if none.
        seen_before: Outcome of an earlier event with the same id, if any.
        differs: That event had different content.
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
    """Find an entry with the same content. An unannounced entry does not count as a repeat."""
    for entry in entries:
        if entry is not None and entry.digest == digest and (entry.notify or not event.notify):
            return Classification(outcome=Outcome.DUPLICATE, reason=f"has the same content as update {entry.update_id}")
    return None


def _silence(event: Event) -> str:
    """Return why an event is not announced; empty if it may be."""
    if not event.visible:
        return "visible is false"
    if not event.notify:
        return "notify is false"
    if lacks_window(event):
        return "its source gives neither a start nor an end of the planned work"
    return ""


def _classify_new(
    event: Event, digest: str, around: TimelineContext, announced_until: datetime | None
) -> Classification:
    if not event.notify or not event.visible:
        return Classification(outcome=Outcome.RECORDED, reason=_silence(event))
    # A late copy from another source under other ids, whatever was announced since.
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
    reason = "trouble after the announced end: starts a new episode" if again else "will be announced"
    return Classification(outcome=Outcome.ACCEPTED, reason=reason, reopens=again)


def _classify_edit(
    event: Event, digest: str, around: TimelineContext, edited: TimelineEntry, announced_until: datetime | None
) -> Classification:
    """Classify an event whose update id is in the timeline with different content.

    A change of text alone (a typo) is not announced unless requested. New facts under the old id
    are
    announced: a producer that uses one id per incident could otherwise never announce "resolved".
    """
    update_id = event.update.id
    silent = _silence(event)
    if silent:
        reason = f"an edit of update {update_id}, and {silent}"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    if not _becomes_newest(event, around, edited, announced_until):
        reason = f"an edit of update {update_id}, which newer updates have superseded"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    if same_facts(digest, edited.digest) and edited.notify and not event.announce_edits:
        reason = f"a text edit of update {update_id}: kept in the timeline, not announced by itself"
        return Classification(outcome=Outcome.RECORDED, reason=reason, edits=True)
    again = not reopens(edited.status) and reopens(event.update.status)
    reason = f"an edit of update {update_id} that will be announced"
    return Classification(outcome=Outcome.ACCEPTED, reason=reason, edits=True, reopens=again)


def _becomes_newest(
    event: Event, around: TimelineContext, edited: TimelineEntry, announced_until: datetime | None
) -> bool:
    """Whether the edited update is the latest. It keeps its time unless the edit is dated later."""
    ordered_at = max(event.update.ordered_at, edited.ordered_at)
    if announced_until is not None and ordered_at < announced_until:
        return False
    latest = around.latest
    return latest is None or latest.update_id == edited.update_id or latest.ordered_at < ordered_at
