"""Who wants to hear no more of one incident is asked last just before a mail leaves: it may have waited for hours."""

from datetime import timedelta

import pytest

from notifier.domain.errors import TransientDeliveryError
from notifier.domain.ids import address_key
from notifier.domain.values import Reason, Status
from notifier.storage.database.engine import Database
from notifier.storage.recipients import suppressions
from tests.support.email_harness import Provider, build_harness
from tests.support.pipeline_harness import PEPPER


@pytest.mark.parametrize(("incident_id", "told"), [("inc-1", ["b@example.com"]), ("inc-2", None)])
def test_an_opt_out_holds_for_what_is_planned_already_and_for_its_incident_alone(
    database: Database, incident_id: str, told: list[str] | None
) -> None:
    provider = Provider(down=TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=20)))
    harness = build_harness(database, provider)
    for name in ("a", "b"):
        harness.pipeline.subscriber(name)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with database.write() as connection:
        assert suppressions.opt_out(connection, incident_id, address_key(PEPPER, "a@example.com"), harness.pipeline.now)
    provider.down = None
    harness.later(60)
    assert provider.addresses == (told or ["a@example.com", "b@example.com"])
