from datetime import timedelta

from notifier.doctor.checkup import check_up
from notifier.services.operations.broker_watch import WatchBroker
from tests.functional.api.api_client import Api, a_subscriber, an_event


class Broker:
    """Says one thing after the other."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)

    def trouble(self) -> str | None:
        return self.answers.pop(0)


def test_what_waits_for_a_broker_longer_than_a_minute_is_an_alarm_until_it_takes_messages(api_anywhere: Api) -> None:
    container = api_anywhere.container
    says, later = "the broker takes no messages: OOM", container.clock() + timedelta(minutes=2)
    broker = Broker(says, says, None, None)
    api_anywhere.post("/v1/subscribers", json=a_subscriber())
    api_anywhere.post("/v1/events", json=an_event())
    watch = WatchBroker(container.database, lambda: now, broker)
    for minutes, changed, alerts_raised in ((-2, 0, 0), (0, 1, 1), (1, 0, 1), (2, 1, 0), (3, 0, 0)):
        now = later + timedelta(minutes=minutes)
        assert watch.run() == changed
        standing = [finding for finding in check_up(container) if says in finding.message]
        assert len(standing) == alerts_raised
    assert broker.answers == []
