"""Letters: written with the sign-up, sent by a worker, each from how things stand when it leaves."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from notifier.channels.base import MailReceipt
from notifier.domain.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.brand import Brand
from notifier.domain.messages.message import MailRequest
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.consent import ConsentForm
from notifier.domain.values import Channel, Reason
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.mail.failover import ProviderFailover
from notifier.services.mail.transactional import SendTransactionalMail
from notifier.services.mail.transactional_sweep import SweepTransactionalMail
from notifier.services.providers.circuits import Circuits
from notifier.services.security.signed_tokens import Tokens
from notifier.services.subscribers.mails import SubscriberMails
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.services.subscribers.sign_up import SignUpRequest, SignUps
from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import SUPPORT, VOCABULARY, Clock, a_subscriber, subscribers_of
from tests.support.pipeline_harness import RecordingTaskQueue

ADDRESS = "reader@shop.example"
BRAND = Brand(
    name={"nl": "Mijnwebwinkel"},
    from_email={"nl": "storing@shop.example"},
    default_locale="nl",
    locales=("nl",),
    timezone="Europe/Amsterdam",
)


@dataclass
class Provider:
    """Takes mail, or fails as it is told, one fault per request."""

    name: str = "provider"
    max_batch: int = 1000
    deduplicates: bool = False
    faults: list[DeliveryError] = field(default_factory=list)
    requests: list[MailRequest] = field(default_factory=list)

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        del deadline
        if self.faults:
            raise self.faults.pop(0)
        self.requests.append(request)
        return MailReceipt(provider_message_id="m", accepted_ids=[item.delivery_id for item in request.recipients])

    def answers(self, *, deadline: datetime) -> bool:
        del deadline
        return True

    def close(self) -> None:
        """Nothing was opened."""

    def links(self, path: str) -> list[str]:
        texts = (request.content.text for request in self.requests)
        return [found for text in texts for found in re.findall(rf"https://status\.example/{path}/(\S+)", text)]


class Post(RecordingTaskQueue):
    """Nudges, with those for letters counted."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def send_transactional_mail(self) -> None:
        self.asked += 1


@dataclass
class Office:
    """Sign-ups and the one who carries their letters."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    provider: Provider = field(default_factory=Provider)
    post: Post = field(default_factory=Post)

    def __post_init__(self) -> None:
        addresses, tokens = subscribers_of(self.database).addresses, Tokens(("key",), self.clock)
        self.ups = SignUps(self.database, self.clock, VOCABULARY, addresses, tokens, self.post)
        renderer = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
        writer = SubscriberMails(addresses, tokens, "https://status.example")
        circuits = Circuits(self.database, self.clock, self.post, Channel.EMAIL)
        route = ProviderFailover([self.provider], self.clock, LocalRateLimiter(self.clock), circuits)
        self.send = SendTransactionalMail(
            self.database, self.clock, writer, renderer, route, "worker", spread=lambda: 0.0
        )
        self.due = SweepTransactionalMail(self.database, self.clock, self.post, self.post)

    def sign_up(self, email: str = ADDRESS) -> int:
        form = ConsentForm(wording="1", locale="nl", form="https://status.example/nl/subscribe")
        found = self.ups.ask(SignUpRequest(email=email, form=form, chosen=Preferences()))
        assert found is not None
        return found.subscriber_id


def test_a_sign_up_brings_one_letter_whose_link_confirms(database: Database) -> None:
    office = Office(database)
    number = office.sign_up()
    assert office.post.asked == 1
    assert (office.send.run(), office.send.run()) == (1, 0)
    (request,) = office.provider.requests
    assert [recipient.address for recipient in request.recipients] == [ADDRESS]
    assert request.content.subject == "[Mijnwebwinkel] Bevestig uw aanmelding"
    (token,) = office.provider.links("confirm")
    assert office.ups.confirm(token, SUPPORT) == number


def test_a_letter_that_fails_comes_again_and_one_that_cannot_arrive_does_not(database: Database) -> None:
    office = Office(database)
    office.sign_up()
    office.provider.faults = [TransientDeliveryError(Reason.SERVER_ERROR), PermanentDeliveryError(Reason.BAD_ADDRESS)]
    assert (office.send.run(), office.send.run()) == (1, 0)
    office.clock.advance(seconds=2)
    assert office.send.run() == 1
    office.clock.advance(hours=5)
    assert office.send.run() == 0
    assert office.provider.requests == []


def test_a_worker_that_dies_with_a_letter_leaves_it_to_the_next(database: Database) -> None:
    office = Office(database)
    office.sign_up()
    office.provider.faults = [KeyError("a bug")]  # type: ignore[list-item]  # what no policy of ours catches
    with pytest.raises(KeyError):
        office.send.run()
    assert office.send.run() == 0
    office.clock.advance(minutes=10)
    assert office.send.run() == 1
    assert len(office.provider.links("confirm")) == 1


def erased(office: Office, number: int) -> None:
    Lifecycle(office.database, office.clock, office.ups.addresses).erase(number, SUPPORT)


def expired_sign_ups(office: Office, number: int) -> None:
    del number
    office.clock.advance(hours=48)


@pytest.mark.parametrize("what", [erased, expired_sign_ups])
def test_a_letter_without_a_point_does_not_leave(database: Database, what: Callable[[Office, int], None]) -> None:
    office = Office(database)
    what(office, office.sign_up())
    office.send.run()
    assert office.provider.requests == []


def test_who_confirmed_by_the_first_letter_gets_no_second(database: Database) -> None:
    office = Office(database)
    office.sign_up()
    office.send.run()
    office.sign_up()
    office.ups.confirm(office.provider.links("confirm")[0], SUPPORT)
    assert office.send.run() == 1
    assert len(office.provider.requests) == 1


def test_who_is_told_already_gets_the_link_to_their_preferences(database: Database) -> None:
    office = Office(database)
    subscribers_of(database).create(a_subscriber(email=ADDRESS), SUPPORT)
    office.sign_up()
    office.send.run()
    assert office.provider.links("confirm") == []
    assert len(office.provider.links("preferences")) == 1


def test_a_change_of_address_is_confirmed_at_the_new_one(database: Database) -> None:
    office = Office(database)
    subscribers_of(database).create(a_subscriber(email=ADDRESS), SUPPORT)
    number = office.sign_up()
    office.ups.ask_address_change(number, "old-idea@shop.example")
    office.ups.ask_address_change(number, "new@shop.example")
    office.send.run()
    (token,) = office.provider.links("address")
    assert [item.recipients[0].address for item in office.provider.requests] == [ADDRESS, "new@shop.example"]
    assert office.ups.confirm_address_change(token, SUPPORT) == number
    assert subscribers_of(database).get("shop-1001")["email"] == "new@shop.example"
