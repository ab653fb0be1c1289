"""Reminders to the team: one mail per address and one post, queued with what they are about."""

from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from notifier.domain.errors import DeliveryError
from notifier.domain.messages.team import TeamMessage, TeamSubject
from notifier.domain.messages.transactional_mail import TransactionalKind
from notifier.domain.values import Channel
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.endpoints.mails import MailWriterByKind
from notifier.services.mail.failover import ProviderFailover
from notifier.services.mail.transactional import SendTransactionalMail
from notifier.services.providers.circuits import Circuits
from notifier.services.security.signed_tokens import Tokens
from notifier.services.subscribers.mails import SubscriberMails
from notifier.services.team.reminders import TeamMails, TeamReminders
from notifier.services.team.webhook import PostTeamReminders
from notifier.storage.database.engine import Database
from tests.integration.services.mail.test_transactional import BRAND, Post, Provider
from tests.integration.subscriber_lists import Clock, subscribers_of

TEAM = ("ops@shop.example", "lead@shop.example")


@dataclass
class Hook:
    """The team's webhook: takes posts, or fails as it is told, one fault per post."""

    faults: list[DeliveryError] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def post(self, body: bytes) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.bodies.append(body)

    def close(self) -> None:
        """Nothing was opened."""


@dataclass
class TeamDesk:
    """A team, its reminders and those who carry them."""

    database: Database
    emails: tuple[str, ...] = TEAM
    clock: Clock = field(default_factory=Clock)
    provider: Provider = field(default_factory=Provider)
    hook: Hook = field(default_factory=Hook)

    def __post_init__(self) -> None:
        self.team = TeamReminders(self.emails, has_webhook=True)
        tokens = Tokens(("key",), self.clock)
        others = SubscriberMails(subscribers_of(self.database).addresses, tokens, "https://status.example")
        to_team = TeamMails(self.emails, "nl", "Europe/Amsterdam")
        writer = MailWriterByKind({TransactionalKind.TEAM_REMINDER: to_team}, others)
        circuits = Circuits(self.database, self.clock, Post(), Channel.EMAIL)
        route = ProviderFailover([self.provider], self.clock, LocalRateLimiter(self.clock), circuits)
        renderer = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
        self.mails = SendTransactionalMail(self.database, self.clock, writer, renderer, route, "worker")
        self.posts = PostTeamReminders(self.database, self.clock, self.hook, "worker", spread=lambda: 0.0)

    def remind(self) -> None:
        now = self.clock()
        message = TeamMessage(
            about=TeamSubject.DRAFT_WAITING,
            id="drf-1",
            title="Betalingen zijn traag",
            url="https://status.example/console/drafts/drf-1",
            since=now - timedelta(minutes=15),
        )
        with self.database.write() as connection:
            self.team.remind(connection, message, now)

    def told(self) -> list[str]:
        """Return the addresses that were mailed."""
        return [recipient.address for request in self.provider.requests for recipient in request.recipients]


def test_every_address_of_the_team_gets_a_mail_and_the_webhook_one_post(database: Database) -> None:
    desk = TeamDesk(database)
    desk.remind()
    desk.mails.run()
    desk.posts.run()
    assert sorted(desk.told()) == sorted(TEAM)
    content = desk.provider.requests[0].content
    assert content.subject == "[Mijnwebwinkel] Concept wacht: Betalingen zijn traag"
    assert "https://status.example/console/drafts/drf-1" in content.text
    (body,) = desk.hook.bodies
    said = orjson.loads(body)
    assert (said["type"], said["about"], said["id"]) == ("team.reminder", "draft_waiting", "drf-1")
    assert (said["title"], said["url"]) == ("Betalingen zijn traag", "https://status.example/console/drafts/drf-1")
    assert said["since"].endswith("Z")
    assert "to" not in said
    assert (desk.mails.run(), desk.posts.run()) == (0, 0)


def test_a_team_without_addresses_and_webhook_is_left_alone(database: Database) -> None:
    desk = TeamDesk(database)
    desk.team = TeamReminders()
    desk.remind()
    assert (desk.mails.run(), desk.posts.run()) == (0, 0)


def test_an_address_that_was_taken_out_meanwhile_gets_nothing(database: Database) -> None:
    desk = TeamDesk(database, emails=TEAM[:1])
    desk.team = TeamReminders(TEAM)
    desk.remind()
    desk.mails.run()
    assert desk.told() == ["ops@shop.example"]


def test_a_reminder_that_is_rolled_back_reaches_nobody(database: Database) -> None:
    desk = TeamDesk(database)
    message = TeamMessage(
        about=TeamSubject.DRAFT_WAITING, id="d", title="t", url="https://x.example", since=desk.clock()
    )
    with database.write() as connection:
        desk.team.remind(connection, message, desk.clock())
        connection.rollback()
    assert (desk.mails.run(), desk.posts.run()) == (0, 0)
