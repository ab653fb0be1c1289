"""A provider that answers 429 for a whole incident, over real HTTP, through its own client: one mail each, at last."""

from datetime import datetime, timedelta

import pytest

from notifier.channels.email.sendgrid import SendGridSender
from notifier.domain.values import Status
from notifier.sandbox.credentials import SENDGRID_API_KEY
from notifier.storage.database.engine import Database
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.support.email_harness import EmailHarness, build_harness
from tests.support.pipeline_harness import START

SIX = [
    Status.INVESTIGATING,
    Status.IDENTIFIED,
    Status.IDENTIFIED,
    Status.MONITORING,
    Status.MONITORING,
    Status.RESOLVED,
]
PEOPLE = 7


def texts(sandbox: RunningSandbox) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in sandbox.get("/sandbox/api/mails?limit=1000")["items"]:
        found.setdefault(row["to"][0], []).append(sandbox.get(f"/sandbox/api/mails/{row['id']}")["text"])
    return found


def live(harness: EmailHarness, minutes: int, sandbox: RunningSandbox) -> None:
    for status in SIX:
        harness.pipeline.post(status)
        harness.work()
        harness.later(minutes * 60)
    assert sandbox.get("/sandbox/api/summary")["mails"]["total"] == 0
    sandbox.call("DELETE", "/sandbox/faults")
    for _ in range(20):
        harness.later(300)


@pytest.mark.parametrize("minutes", [1, 12])
def test_six_updates_behind_a_stuck_provider_are_one_mail_that_tells_all_six(database: Database, minutes: int) -> None:
    moment: list[EmailHarness] = []

    def clock() -> datetime:
        return moment[0].pipeline.now if moment else START

    with running_sandbox() as sandbox:
        sender = SendGridSender(api_key=SENDGRID_API_KEY, clock=clock, base_url=sandbox.sendgrid_url, timeout=5.0)
        try:
            harness = build_harness(database, sender, batch_size=3)
            moment.append(harness)
            for number in range(PEOPLE):
                harness.pipeline.subscriber(f"shop-{number}")
            harness.pipeline.subscriber("a second shop", email="shop-0@example.com")
            sandbox.fault("sendgrid", "status", status=429)
            live(harness, minutes, sandbox)
        finally:
            sender.close()
        arrived = texts(sandbox)
    assert sorted(arrived) == [f"shop-{number}@example.com" for number in range(PEOPLE)]
    for mails in arrived.values():
        (mail,) = mails
        assert all(f"Update number {number}." in mail for number in range(1, len(SIX) + 1))
    assert moment[0].pipeline.now - START > timedelta(minutes=6 * minutes)
