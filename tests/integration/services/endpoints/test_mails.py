from notifier.domain.values import Status
from tests.integration.services.endpoints.watched import HOUR, Watched, gone
from tests.support.fake_endpoints import down, url_of

NOTICE = "[MyOnlineStore] Your webhook endpoint is disabled"


def test_the_owner_of_an_endpoint_that_says_it_is_gone_is_told(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("gone", owner_email="ops@gone.example")
    harness.line.answers[url_of("gone")] = gone
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(1)
    assert watched.mails == [("ops@gone.example", NOTICE)]
    assert "410" in watched.post.requests[0].content.text


def test_a_warning_that_has_lost_its_point_is_not_sent(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.later(72 * HOUR)
    watched.watch.run()
    harness.line.answers.clear()
    harness.later(24 * HOUR)
    watched.hours(1)
    assert watched.mails == []
