"""A request without an answer: the provider's events tell what became of it; only what they do not tell is repeated."""

from collections.abc import Collection
from datetime import timedelta

from notifier.channels.base import TooLargeError
from notifier.domain.errors import DeliveryError, OutcomeUnknownError
from notifier.domain.ids import delivery_id
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.mail_event import MailEvent, MailEventKind, MailEvents
from notifier.domain.values import Reason, Status
from notifier.inbound import sendgrid_rules
from notifier.services.dispatch.lease import LEASE
from notifier.services.provider_events.record import RecordProviderEvents
from notifier.services.security.address_hash import AddressHasher
from notifier.storage.database.engine import Database
from notifier.storage.operations import counters
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe

LOST = OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "hung up")
EVIDENCE = 180.0


def accepted_unconfirmed(provider: Provider) -> None:
    """Let the provider take the next request and hang up without an answer."""

    def take(request: MailRequest) -> DeliveryError:
        provider.requests.append(request)
        return LOST

    provider.faults.append(take)


def report(
    harness: EmailHarness, requests: Collection[MailRequest], *, people: int | None = None, batch: bool = False
) -> None:
    """Hand in `processed` for the first so many recipients of requests, with our batch's number or without."""
    events = [
        MailEvent(
            id=f"{request.batch_id}-{recipient.delivery_id}",
            kind=MailEventKind.PROCESSED,
            at=harness.pipeline.now,
            delivery_id=recipient.delivery_id,
            batch=(request.batch_id, request.attempt) if batch else None,
        )
        for request in requests
        for recipient in request.recipients[:people]
    ]
    database = harness.pipeline.database
    RecordProviderEvents(database, harness.pipeline.clock, AddressHasher(database), sendgrid_rules).record(
        MailEvents(tuple(events), 0)
    )


def counted(harness: EmailHarness) -> dict[tuple[str, str], int]:
    with harness.pipeline.database.read() as connection:
        return dict(counters.counted(connection))


def doubtful_harness(database: Database, people: int = 4) -> tuple[EmailHarness, Provider]:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider, evidence=timedelta(seconds=EVIDENCE))
    subscribe(harness, people)
    accepted_unconfirmed(provider)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    return harness, provider


def test_nothing_is_repeated_before_the_events_had_their_time_then_everybody_is(database: Database) -> None:
    harness, provider = doubtful_harness(database)
    harness.later(EVIDENCE - 1)
    assert len(provider.requests) == 1
    harness.later(2)
    assert len(provider.requests) == 2
    assert counted(harness) == {("mail_unknown", "sendgrid"): 4, ("mail_repeated", "sendgrid>sendgrid"): 4}


def test_only_those_without_evidence_are_written_to_again(database: Database) -> None:
    harness, provider = doubtful_harness(database)
    report(harness, provider.requests, people=3)
    harness.later(EVIDENCE + 1)
    first, second = provider.requests
    assert [one.delivery_id for one in second.recipients] == [first.recipients[3].delivery_id]
    assert counted(harness)["mail_repeated", "sendgrid>sendgrid"] == 1


def test_one_event_that_names_the_attempt_is_evidence_for_all_of_it(database: Database) -> None:
    harness, provider = doubtful_harness(database)
    report(harness, provider.requests, people=1, batch=True)
    harness.later(EVIDENCE + 60)
    assert len(provider.requests) == 1
    (notice,) = harness.pipeline.notices()
    assert set(harness.pipeline.delivery_states(notice.id).values()) == {"accepted"}
    assert counted(harness) == {("mail_unknown", "sendgrid"): 4, ("mail_confirmed", "sendgrid"): 4}


def test_evidence_of_another_notification_confirms_nothing(database: Database) -> None:
    harness, provider = doubtful_harness(database)
    (request,) = provider.requests
    event = MailEvent(
        id="e-1",
        kind=MailEventKind.PROCESSED,
        at=harness.pipeline.now,
        delivery_id=delivery_id("ntf_01j0000000000000000000000", 1),
        batch=(request.batch_id, request.attempt),
    )
    RecordProviderEvents(database, harness.pipeline.clock, AddressHasher(database), sendgrid_rules).record(
        MailEvents((event,), 0)
    )
    harness.later(EVIDENCE + 1)
    assert len(provider.requests) == 2


def test_an_event_that_overtakes_the_answer_changes_nothing(database: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider)
    subscribe(harness, 2)

    def hasty(request: MailRequest) -> None:
        report(harness, [request], people=1, batch=True)

    provider.faults.append(hasty)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with database.read() as connection:
        row = connection.exec_driver_sql("SELECT state, provider_message_id FROM batch WHERE channel = 'email'").one()
    assert tuple(row) == ("accepted", "msg-1")
    assert counted(harness) == {}


def test_what_a_vanished_worker_had_handed_over_is_not_sent_again_when_events_tell_of_it(database: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider, evidence=timedelta(seconds=EVIDENCE))
    subscribe(harness, 3)
    accepted_unconfirmed(provider)

    class VanishedError(BaseException):
        """Nothing of ours catches this: the worker is gone between the answer and the record."""

    def vanish(request: MailRequest) -> DeliveryError:
        provider.requests.append(request)
        raise VanishedError

    provider.faults[:] = [vanish]
    harness.pipeline.post(Status.INVESTIGATING)
    try:
        harness.work()
    except VanishedError:
        harness.later(LEASE.total_seconds() + 1)
    assert len(provider.requests) == 1
    harness.later(20)
    assert len(provider.requests) == 1  # it still waits for evidence
    report(harness, provider.requests, batch=True, people=1)
    harness.later(EVIDENCE)
    harness.later(11)
    assert len(provider.requests) == 1
    assert counted(harness) == {("mail_unknown", "worker"): 3, ("mail_confirmed", "sendgrid"): 3}


def test_a_repetition_found_too_large_is_not_divided_once_the_first_attempt_is_confirmed(database: Database) -> None:
    harness, provider = doubtful_harness(database)
    (first,) = provider.requests

    def too_large(_request: MailRequest) -> DeliveryError:
        report(harness, [first], people=1, batch=True)
        return TooLargeError("too large", status=413)

    provider.faults.append(too_large)
    harness.later(EVIDENCE + 1)
    harness.later(60)
    assert provider.requests == [first]


def test_a_doubt_may_be_resolved_by_the_other_provider_and_that_is_counted(database: Database) -> None:
    first, second = Provider(name="sendgrid", down=LOST), Provider(name="smtp")
    harness = build_harness(database, first, second)
    everybody = subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(5):
        harness.later(20)
    assert second.addresses == everybody
    assert counted(harness)["mail_repeated", "sendgrid>smtp"] == 3


def test_the_subject_stays_as_first_sent_when_the_title_is_edited(database: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.later(300)
    harness.pipeline.post(Status.RESOLVED, title="Payments were slow, and that is over")
    harness.work()
    first, last = (request.content for request in provider.requests)
    assert first.subject == last.subject == "[MyOnlineStore] Payments are slow"
    assert "Payments were slow, and that is over" in last.text
    assert first.headers["References"] == last.headers["References"]
