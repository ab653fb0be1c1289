"""What is withheld: hidden, silent, or waiting for a person. Who sees it, who is told, what a release makes of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.domain.incidents.notice import Notice
from notifier.domain.incidents.translation import TranslationPolicy, TranslationRule
from notifier.domain.messages.brand import Account
from notifier.domain.messages.message import MailRequest
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Channel, Outcome, Platform, Status, WebhookFormat
from notifier.inbound.events import parse_event
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.statuspage import PageSource, parse_statuspage
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.dispatch.regroup import Regroup
from notifier.services.dispatch.replay import REPLAYABLE, Replay, ReplayOrder
from notifier.services.events.approvals import Release
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.events.integrations import IngestStatuspage
from notifier.services.inspection.history import History
from notifier.services.security.audit import Actor
from notifier.storage.database.codec import notice_from_json
from notifier.storage.database.engine import Database
from notifier.storage.incidents.public_timeline import public_updates
from notifier.storage.notifications import approvals, channel_history, notifications
from tests.support.email_harness import BRAND, EmailHarness, Provider, build_harness

ME = Actor("cli:me", "here")
FOLLOW = {Channel.EMAIL: TranslationRule(policy=TranslationPolicy.SEND_AND_FOLLOW)}
CAREFUL = BlastGuardPolicy(needs_announce=True)
RENDERER = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
ACCOUNTS = [Account(name=f"acc-{locale}", platform=Platform.X, locale=locale) for locale in ("en", "nl")]
PAGE = PageSource(source="cloud", locale="en", components=ComponentNames([]))


class Desk:
    """A house whose guard is set, and a person who decides."""

    def __init__(
        self, database: Database, policy: BlastGuardPolicy, rules: Mapping[Channel, TranslationRule] | None = None
    ) -> None:
        self.provider = Provider()
        self.harness: EmailHarness = build_harness(database, self.provider, translations=rules or {})
        self.pipeline = self.harness.pipeline
        self.set(policy)
        self.pipeline.subscriber("jansen", locale="nl")
        self.pipeline.subscriber("smith", locale="en")
        self.history = History(database)

    def set(self, policy: BlastGuardPolicy) -> None:
        self.pipeline.ingest = replace(self.pipeline.ingest, guard=BlastGuard(policy))

    @property
    def release(self) -> Release:
        pipeline = self.pipeline
        return Release(pipeline.database, pipeline.policies, pipeline.clock, pipeline.tasks, pipeline.translations)

    @property
    def replay(self) -> Replay:
        pipeline = self.pipeline
        return Replay(pipeline.database, pipeline.clock, Regroup(pipeline.database, pipeline.clock, pipeline.tasks))

    def held(self, channel: Channel = Channel.EMAIL) -> list[str]:
        return [item["id"] for item in self.history.held() if item["channel"] == channel]

    def public(self, incident_id: str = "inc-1") -> list[str]:
        """The English words that the public sees of an incident."""
        with self.pipeline.database.read() as connection:
            rows = public_updates(connection, most_open=1000, most_past=1000)
        return [row.body["en"] for row in rows if row.incident_id == incident_id]

    def flags(self) -> list[tuple[bool, bool, bool]]:
        updates = self.history.incident("inc-1")["updates"]
        return [(item["notify"], item["visible"], item["held"]) for item in updates]


def test_a_silent_update_is_shown_and_told_to_nobody(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy())
    receipt = desk.pipeline.post(Status.INVESTIGATING, "Shown, not told.", notify=False)
    desk.harness.later(120)
    assert receipt.outcome is Outcome.RECORDED
    assert desk.public() == ["Shown, not told."]
    assert desk.provider.addresses == []
    assert desk.flags() == [(False, True, False)]


def test_a_hidden_update_is_neither_shown_nor_told_nor_revealed_by_later_ones(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy())
    hidden = {"en": "A secret."}
    desk.pipeline.post(Status.INVESTIGATING, hidden, visible=False, title="Secret title")
    assert desk.public() == []
    desk.pipeline.post(Status.IDENTIFIED, "Told.")
    desk.harness.work()
    desk.harness.later(61)
    desk.pipeline.post(Status.MONITORING, hidden, visible=False, title="Secret title")
    desk.pipeline.post(Status.RESOLVED, "Solved.")
    desk.harness.work()
    assert desk.public() == ["Told.", "Solved."]
    mails = "".join(desk.provider.mails_to("smith@example.com"))
    assert "Told." in mails
    assert "secret" not in mails.lower()
    assert desk.flags() == [(False, False, False), (True, True, False), (False, False, False), (True, True, False)]
    assert desk.history.incident("inc-1")["title"] == {"en": "Payments are slow"}


def test_what_was_silent_may_be_told_and_what_was_hidden_may_be_shown(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy())
    desk.pipeline.post(Status.INVESTIGATING, "The same.", visible=False, update_id="u")
    desk.pipeline.post(Status.INVESTIGATING, "The same.", notify=False, update_id="u")
    assert desk.public() == ["The same."]
    assert desk.provider.addresses == []
    assert desk.pipeline.post(Status.INVESTIGATING, "The same.", update_id="u").outcome is Outcome.ACCEPTED
    desk.harness.work()
    assert desk.provider.addresses == ["jansen@example.com", "smith@example.com"]
    desk.pipeline.post(Status.INVESTIGATING, "The same.", visible=False, update_id="u")
    assert desk.public() == []


def test_a_persons_update_goes_by_itself_and_begins_the_story_for_those_told(database: Database) -> None:
    desk = Desk(database, CAREFUL)
    desk.pipeline.post(Status.INVESTIGATING, "From a script.", guarded=True, title="Script's title")
    desk.harness.later(5)
    receipt = desk.pipeline.post(Status.IDENTIFIED, "From a person.")
    assert not receipt.held
    desk.harness.work()
    (mail,) = desk.provider.mails_to("smith@example.com")
    assert "From a person." in mail
    assert "script" not in mail.lower()
    assert desk.public() == ["From a person."]
    (notice,) = [row for row in desk.pipeline.notices() if row.state == "planned"]
    assert (notice.sequence, notice.content["opens"]) == (1, True)
    # Released afterwards it would contradict what has been said since: it is shown, and told to nobody.
    assert desk.release.release(desk.held()[0], ME)["state"] == "superseded"
    desk.harness.later(120)
    assert desk.public() == ["From a script.", "From a person."]
    assert len(desk.provider.addresses) == 2
    assert desk.history.incident("inc-1")["status"] == "identified"


def test_the_number_holds_a_persons_update_too_and_its_release_leaves_out_what_had_no_right(
    database: Database,
) -> None:
    desk = Desk(database, BlastGuardPolicy(needs_announce=True, hold_above=1))
    desk.pipeline.post(Status.INVESTIGATING, "From a script.", guarded=True)
    assert desk.pipeline.post(Status.IDENTIFIED, "From a person.").held
    reasons = [item["held_because"] for item in desk.history.held() if item["channel"] == "email"]
    assert reasons == ["needs_announce", "hold_above"]
    desk.release.release(desk.held()[1], ME)
    desk.harness.work()
    (mail,) = desk.provider.mails_to("smith@example.com")
    assert "script" not in mail
    assert desk.public() == ["From a person."]


def test_channels_that_are_not_too_large_wait_for_the_one_that_is_and_speak_with_it(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy(hold_above=1))
    assert desk.pipeline.post(Status.INVESTIGATING, "To two mailboxes.").held
    desk.harness.later(120)
    assert [item["channel"] for item in desk.history.held()] == ["email"]
    assert desk.pipeline.notices(Channel.WEBHOOK) == []  # or partners would read what the page does not show
    desk.release.release(desk.held()[0], ME)
    assert [row.state for row in desk.pipeline.notices(Channel.WEBHOOK)] == ["planning"]
    desk.pipeline.post(Status.IDENTIFIED, "Another.")
    desk.release.cancel(desk.held()[0], ME)
    desk.harness.later(120)
    assert desk.public() == ["To two mailboxes."]
    assert len(desk.pipeline.notices(Channel.WEBHOOK)) == 1


def test_a_persons_word_for_a_held_update_takes_its_place(database: Database) -> None:
    desk = Desk(database, CAREFUL)
    desk.pipeline.post(Status.INVESTIGATING, "From a script.", guarded=True, update_id="u")
    assert not desk.pipeline.post(Status.INVESTIGATING, "From a script.", update_id="u").held
    desk.harness.work()
    assert desk.public() == ["From a script."]
    assert len(desk.provider.addresses) == 2
    assert desk.held() == []


def test_old_news_waits_whoever_hands_it_in(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy(hold_older_than=timedelta(days=1)))
    old = desk.pipeline.now - timedelta(days=2)
    receipt = desk.pipeline.post(Status.RESOLVED, "Of last week.", posted_at=old)
    assert receipt.held
    assert receipt.reason.endswith("once approved (it was posted longer ago than guard.hold_older_than)")
    again = desk.pipeline.post(Status.RESOLVED, "Of last week.", posted_at=old, update_id="upd-1")
    assert again.outcome is Outcome.DUPLICATE
    assert not desk.pipeline.post(Status.RESOLVED, "For the record.", posted_at=old, notify=False).held
    assert desk.public() == ["For the record."]
    desk.harness.later(120)
    assert desk.provider.addresses == []


@pytest.mark.parametrize("rules", [{}, FOLLOW], ids=["fallback", "send_and_follow"])
def test_a_translation_passes_the_guard_like_its_update(
    database: Database, rules: Mapping[Channel, TranslationRule]
) -> None:
    desk = Desk(database, CAREFUL, rules)
    desk.pipeline.post(Status.INVESTIGATING, {"en": "Told."}, update_id="u")
    desk.pipeline.plan_all()
    if rules:
        desk.harness.work()
    both = {"en": "Told.", "nl": "Onbevoegd."}
    assert desk.pipeline.post(Status.INVESTIGATING, both, update_id="u", guarded=True).held
    desk.harness.later(300)
    assert not any("Onbevoegd" in mail for mail in desk.provider.mails_to("jansen@example.com"))
    (waiting,) = desk.held()
    assert desk.release.release(waiting, ME)["state"] == "superseded"
    desk.harness.later(1)
    mails = desk.provider.mails_to("jansen@example.com")
    assert ["Onbevoegd" in mail for mail in mails] == ([False, True] if rules else [False])
    assert desk.public() == ["Told."]


MOVES = st.lists(
    st.one_of(
        st.tuples(
            st.just("post"),
            st.booleans(),  # guarded
            st.sampled_from(["new", "edit", "translate", "page", "page edit"]),
            st.sampled_from(list(Status)[:4]),
            st.integers(-300, 60),  # seconds from now
            st.sampled_from([(True, True), (False, True), (False, False)]),  # notify, visible
        ),
        st.tuples(st.just("later"), st.integers(1, 130)),
        st.tuples(st.sampled_from(["release", "cancel"]), st.integers(0, 50)),
        st.tuples(st.just("replay"), st.sampled_from(list(Channel))),
    ),
    min_size=2,
    max_size=12,
)


class Story:
    """One incident, and the words in it that came without the right to announce, by update.

    What is to leave is made as for real: mails by their provider's requests, posts and webhook bodies by rendering.
    """

    def __init__(self, desk: Desk, number: int) -> None:
        self.desk, self.number = desk, number
        self.begun = desk.pipeline.now
        self.incident_id = f"cloud.story{number}"  # as `parse_statuspage` calls it
        self.words: dict[str, set[str]] = {}
        self.released: set[str] = set()
        self.posted = 0
        self.seen: set[tuple[int, str]] = set()  # notifications that were looked at, by what they say
        self.mails = len(desk.provider.requests)

    def post(self, guarded: bool, kind: str, status: Status, seconds: int, shown: tuple[bool, bool]) -> None:  # noqa: FBT001
        self.posted += 1
        known = list(self.words)
        update_id = known[-1] if known and kind not in ("new", "page") else f"u{self.posted}"
        secret = f"zq{self.posted}x{self.number}zq" if guarded else f"open{self.posted}"
        words = {"en": f"Words {secret}."} if kind != "translate" else {"en": "Words.", "nl": f"Woorden {secret}."}
        self.words.setdefault(update_id, set())
        if guarded:
            self.words[update_id].add(secret)
        posted_at = self.desk.pipeline.now + timedelta(seconds=seconds)
        if kind in ("page", "page edit"):
            self._by_statuspage(update_id, secret, status, posted_at, guarded=guarded, notify=shown[0])
            return
        said = {
            "id": f"{self.incident_id}-{self.posted}",
            "incident": {"id": self.incident_id, "title": {"en": f"Title {secret}"}, "impact": "major"},
            "update": {"id": update_id, "status": status, "body": words, "posted_at": posted_at.isoformat()},
            "notify": shown[0],
            "visible": shown[1],
        }
        event = parse_event(json.dumps(said), now=self.desk.pipeline.now)
        self.desk.pipeline.ingest.take(replace(event, guarded=guarded))

    def _by_statuspage(
        self, update_id: str, secret: str, status: Status, at: datetime, *, guarded: bool, notify: bool
    ) -> None:
        moment, edited_at = at.isoformat(), self.desk.pipeline.now.isoformat()
        said = {"id": update_id, "status": status, "body": f"Words {secret}.", "deliver_notifications": notify}
        incident = {
            "id": f"story{self.number}",
            "name": f"Title {secret}",
            "status": status,
            "impact": "major",
            "created_at": moment,
            "incident_updates": [said | {"created_at": moment, "updated_at": edited_at}],
        }
        news = parse_statuspage(json.dumps({"incident": incident}).encode(), PAGE)
        pipeline = self.desk.pipeline
        IngestStatuspage(pipeline.database, pipeline.clock, pipeline.ingest).take(news, guarded=guarded)

    def decide(self, word: str, number: int) -> None:
        with self.desk.pipeline.database.read() as connection:
            waiting = approvals.of_incident(connection, self.incident_id)
        if not waiting:
            return
        named = waiting[number % len(waiting)]
        if word == "cancel":
            self.desk.release.cancel(named.public_id, ME)
            return
        along = [each for each in waiting if each.channel is named.channel and each.id <= named.id]
        for each in along:
            self.released |= set().union(*(self.words[name] for name in each.update_ids))
        self.desk.release.release(named.public_id, ME)

    def leaked(self) -> set[str]:
        """Return the words that had left, or were on their way out, since this was asked last."""
        secrets = set().union(*self.words.values()) - self.released
        with self.desk.pipeline.database.read() as connection:
            told = notifications.of_incident(connection, self.incident_id)
            shown = public_updates(connection, most_open=1000, most_past=1000)
        said = [json.dumps([row.body, row.incident]) for row in shown if row.incident_id == self.incident_id]
        for row in told:
            content = json.dumps(row.content)
            if row.state in channel_history.GOING and (row.id, content) not in self.seen:
                self.seen.add((row.id, content))
                said += [content, *_rendered(notice_from_json(row.content))]
        said += map(_whole, self.desk.provider.requests[self.mails :])
        self.mails = len(self.desk.provider.requests)
        return {secret for secret in secrets if any(secret in text for text in said)}


def _rendered(notice: Notice) -> Iterator[str]:
    """Yield what accounts and endpoints are sent of a message."""
    if notice.channel is Channel.SOCIAL:
        yield from (RENDERER.post(notice, account, 0) for account in ACCOUNTS)
    if notice.channel is Channel.WEBHOOK:
        yield from (RENDERER.webhook_body(notice, form, 0).decode() for form in WebhookFormat)


def _whole(request: MailRequest) -> str:
    content = request.content
    personal = [[one.substitutions, one.headers] for one in request.recipients]
    return f"{content.text}{content.subject}{content.html}{json.dumps(personal, default=str)}"


@pytest.mark.parametrize("rules", [{}, FOLLOW], ids=["fallback", "send_and_follow"])
def test_no_character_of_what_needs_a_persons_word_leaves_before_it(
    database: Database, rules: Mapping[Channel, TranslationRule]
) -> None:
    desk = Desk(database, CAREFUL, rules)
    number = 0

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(moves=MOVES)
    def interleave(moves: list[tuple[object, ...]]) -> None:
        nonlocal number
        number += 1
        story = Story(desk, number)
        for name, *rest in moves:
            if name == "post":
                story.post(*rest)  # type: ignore[arg-type]
            elif name == "later":
                desk.harness.later(rest[0])  # type: ignore[arg-type]
            elif name == "replay":
                order = ReplayOrder(channel=Channel(str(rest[0])), states=REPLAYABLE, since=story.begun)
                desk.replay.run(order, ME, may_announce=True)
            else:
                story.decide(str(name), rest[0])  # type: ignore[arg-type]
            desk.harness.work()
            assert story.leaked() == set(), moves

    interleave()
