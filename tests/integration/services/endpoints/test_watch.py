"""An endpoint that fails for days: its owner is warned, it is disabled, asked again, and catches up."""

from notifier.domain.values import Status
from tests.integration.services.endpoints.watched import Watched
from tests.support.fake_endpoints import down, url_of

WARNING = "[MyOnlineStore] Your webhook endpoint does not answer"

NOTICE = "[MyOnlineStore] Your webhook endpoint is disabled"


def test_the_owner_is_warned_and_told_and_the_endpoint_disabled_after_five_days(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.endpoint("sound", owner_email="ops@sound.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(71)
    assert watched.mails == []
    watched.hours(2)
    assert watched.mails == [("ops@weak.example", WARNING)]
    watched.hours(45)
    assert harness.row("weak").state == "active"
    watched.hours(3)
    assert watched.mails == [("ops@weak.example", WARNING), ("ops@weak.example", NOTICE)]
    assert (harness.row("weak").state, harness.row("weak").state_reason) == ("disabled", "it failed for days")
    assert harness.row("sound").state == "active"
    warning, notice = (request.content.text for request in watched.post.requests)
    assert "https://weak.example/" in warning
    assert "HTTP 503" in warning
    assert "7 March 2026" in warning  # five days after the first failure
    assert "failed for too long" in notice
