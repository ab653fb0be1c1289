"""Both promises, through nights, limits, failing providers and people who change their minds while it runs."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Connection

from notifier.channels.base import MailReceipt
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.ids import address_key
from notifier.domain.messages.message import MailRequest
from notifier.domain.recipients.do_not_disturb import quiet_until
from notifier.domain.values import Channel, Impact, Reason, Status, UpdateLevel
from notifier.storage.database.engine import Database
from notifier.storage.planning import quiet_hours
from notifier.storage.recipients import subscribers, suppressions
from tests.support.email_harness import EmailHarness, Provider, build_harness
from tests.support.pipeline_harness import PEPPER
from tests.support.random_subscribers import RUNNING, RandomSubscribers

PEOPLE, END, LIMITS = 16, 6, (None, 1, 3)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Mail:
    """One mail that arrived."""

    at: datetime
    updates: list[int]


@dataclass
class Post(Provider):
    """Takes mails most of the time, and looks whether each may arrive at this hour."""

    chance: Random = field(default_factory=Random)
    impacts: list[Impact] = field(default_factory=list)
    got: dict[str, list[Mail]] = field(default_factory=lambda: defaultdict(list))
    disturbed: list[tuple[str, datetime]] = field(default_factory=list)
    harness: EmailHarness | None = None

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        if self.chance.random() < 0.2:
            raise TransientDeliveryError(Reason.SERVER_ERROR, "busy", status=503)
        assert self.harness is not None
        now, text = self.harness.pipeline.now, request.content.text
        updates = [number for number in range(1, END + 1) if f"Update number {number}." in text]
        for recipient in request.recipients:
            self.got[recipient.address].append(Mail(now, updates))
            if not self._may_disturb(updates[-1]) and self._is_quiet(recipient.address, now):
                self.disturbed.append((recipient.address, now))
        return super().send(request, deadline=deadline)

    def _may_disturb(self, lead: int) -> bool:
        looked_at = self.impacts if lead == END else self.impacts[lead - 1 : lead]
        return Impact.CRITICAL in looked_at

    def _is_quiet(self, address: str, now: datetime) -> bool:
        assert self.harness is not None
        with self.harness.pipeline.database.read() as connection:
            mailbox = quiet_hours.bounds_of_address(connection, address_key(PEPPER, address))
        return any(item.quiet_hours and quiet_until(item.quiet_hours, item.timezone, now) for item in mailbox)


@dataclass
class Life:
    """One incident, lived through by random people."""

    post: Post
    people: RandomSubscribers
    may_be_written_to: set[str] = field(default_factory=set)
    want_the_end_alone: set[str] = field(default_factory=set)
    meant_before: set[int] = field(default_factory=set)  # keys of addresses an earlier message was meant for


def live(database: Database, seed: int) -> Life:
    chance = Random(seed)
    post = Post(chance=chance)
    harness = post.harness = build_harness(database, post, batch_size=5)
    people = RandomSubscribers(harness.pipeline, chance)
    people.add(PEOPLE, limits=LIMITS)
    for place in range(END):
        news = people.news()
        post.impacts.append(news["impact"])
        harness.pipeline.post(Status.RESOLVED if place == END - 1 else chance.choice(RUNNING), **news)
        harness.work()
        if place < END - 1:
            for _ in range(chance.randrange(1, 4)):
                harness.later(chance.choice((30, 61, 900, 5_000)))
            people.change_preferences(4)
        if place == END // 2:
            people.suppress_and_opt_out(harness.pipeline.now)
    life = Life(post, people)
    with database.read() as connection:
        look(connection, life)
    for _ in range(50):
        harness.later(3_600)
    return life


def look(connection: Connection, life: Life) -> None:
    """Note how everybody stood when the end was decided."""
    for name, address in life.people.addresses.items():
        found, key = subscribers.get(connection, name), life.people.key(name)
        assert found is not None
        turned_away = suppressions.of_address(connection, key) or suppressions.opt_outs(connection, key)
        if Channel.EMAIL in found.subscriber.preferences.channels and not turned_away:
            life.may_be_written_to.add(address)
        if found.subscriber.preferences.updates is UpdateLevel.RESOLUTION:
            life.want_the_end_alone.add(address)
    last = "SELECT MAX(sequence) FROM notification WHERE channel = 'email'"
    meant = f"""
        SELECT d.recipient_key FROM delivery d JOIN notification n ON n.id = d.notification_id
        WHERE n.channel = 'email' AND n.sequence < ({last})"""  # noqa: S608 - words of ours
    life.meant_before = set(connection.exec_driver_sql(meant).scalars())


@pytest.fixture(params=range(2))
def life(database: Database, request: pytest.FixtureRequest) -> Life:
    return live(database, request.param)


def test_promises_hold_and_nobody_is_disturbed(life: Life) -> None:
    heard_the_end = 0
    for address in sorted(set(life.people.addresses.values())):
        mails = life.post.got.get(address, [])
        told = [number for mail in mails for number in mail.updates]
        ended = END in told
        heard_the_end += ended
        assert told == sorted(set(told)), "an update was told twice, or order went back"
        if told and address in life.may_be_written_to:
            assert ended, "who was told that it began is told that it ended"
        if ended and len(mails) == 1:
            meant = address_key(PEPPER, address) in life.meant_before
            assert meant or address in life.want_the_end_alone, "who was not told that it began is not told the end"
            assert told[0] == 1, "a first message tells all that happened"
        assert_within_limit(life, address, mails)
    assert life.post.disturbed == []
    assert heard_the_end


def assert_within_limit(life: Life, address: str, mails: list[Mail]) -> None:
    place = int(address.removeprefix("house-").split("@")[0])
    limit = LIMITS[place % len(LIMITS)]
    if limit is None:
        return
    for mail in mails:
        hour = [other for other in mails if mail.at - HOUR < other.at <= mail.at]
        assert len([other for other in hour if END not in other.updates]) <= max(1, limit - 1), life.people.addresses
        assert len(hour) <= max(2, limit)
