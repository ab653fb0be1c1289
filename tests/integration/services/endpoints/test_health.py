from notifier.domain.errors import PermanentDeliveryError
from notifier.domain.values import Reason, Status
from notifier.storage.database.engine import Database
from tests.integration.services.endpoints.watched import Watched
from tests.support.fake_endpoints import down, endpoint_harness, url_of


def test_a_receiver_that_is_gone_is_disabled_and_told_nothing_more(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("gone")
    harness.line.answers[url_of("gone")] = lambda _: PermanentDeliveryError(Reason.GONE, "HTTP 410", status=410)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert harness.states("gone") == [("failed", "gone", 1)]
    assert (harness.row("gone").state, harness.row("gone").probe_at) == ("disabled", None)
    harness.pipeline.post(Status.IDENTIFIED)
    harness.work()
    assert len(harness.posted("gone")) == 1


def test_any_success_resets_the_record(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(50)
    assert harness.row("weak").failing_since is not None
    harness.line.answers.clear()
    watched.hours(30)
    assert (harness.row("weak").failing_since, harness.row("weak").failed_attempts) == (None, 0)
    watched.hours(60)
    assert (watched.mails, harness.row("weak").state) == ([], "active")
