"""What was attempted, and what the provider reported, are the evidence."""

from sqlalchemy import update

from notifier.domain.values import Status
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_inbox
from notifier.storage.operations.provider_inbox import ReportedEvent
from tests.integration.services.inspection.explained import why
from tests.support.email_harness import Provider, build_harness
from tests.support.pipeline_harness import key_of


def test_attempts_and_what_the_provider_reported_are_the_evidence(database: Database) -> None:
    harness = build_harness(database, Provider(name="sendgrid"))
    harness.pipeline.subscriber("shop")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    (notice,) = harness.pipeline.notices()
    bounce = ReportedEvent(
        id="ev-1",
        kind="bounce",
        body={"reason": "550 no such user", "at": "2026-03-02T09:00:07+00:00"},
        notification_id=notice.id,
        recipient_key=key_of("shop"),
    )
    with database.write() as connection:
        provider_inbox.add_many(connection, [bounce], harness.pipeline.now)
        connection.execute(update(t.delivery).values(state="bounced", updated_at=harness.pipeline.now))
    (item,) = why(harness.pipeline)
    assert [attempt["outcome"] for attempt in item["delivery"]["attempts"]] == ["accepted"]
    assert item["delivery"]["provider"] == "sendgrid"
    assert item["delivery"]["evidence"] == [
        {"kind": "bounce", "at": "2026-03-02T09:00:07+00:00", "facts": {"reason": "550 no such user"}}
    ]
    assert "it responded: 550 no such user" in item["words"]
