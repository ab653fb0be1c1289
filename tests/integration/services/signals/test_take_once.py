from datetime import UTC, datetime

import pytest

from notifier.domain.proposals.signal import Report
from notifier.domain.values import Outcome
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.signals.take_once import TakeOnce
from notifier.services.signals.take_report import nothing_told
from notifier.storage.database.engine import Database

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def a_report(*, is_message: bool = True) -> Report:
    return Report(source="bus", kind="cloudevents", group="g", change="e1", alerts=(), at=NOW, is_message=is_message)


class Taken(list[Report]):
    def take(self, report: Report) -> IntegrationReceipt:
        self.append(report)
        return nothing_told(report.kind, report.source)


def test_a_message_is_taken_once(database: Database) -> None:
    once, taken = TakeOnce(database, lambda: NOW), Taken()
    outcomes = [once.take(a_report(), taken.take).outcome for _ in range(2)]
    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE]
    assert len(taken) == 1


def test_a_state_that_is_reported_again_is_taken_again(database: Database) -> None:
    once, taken = TakeOnce(database, lambda: NOW), Taken()
    for _ in range(2):
        once.take(a_report(is_message=False), taken.take)
    assert len(taken) == 2


def test_a_message_whose_work_was_not_done_is_taken_when_it_comes_again(database: Database) -> None:
    def fail(_report: Report) -> IntegrationReceipt:
        raise ConnectionError

    once, taken = TakeOnce(database, lambda: NOW), Taken()
    with pytest.raises(ConnectionError):
        once.take(a_report(), fail)
    once.take(a_report(), taken.take)
    assert len(taken) == 1
