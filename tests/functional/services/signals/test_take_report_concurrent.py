"""Reports of one outage that come at the same moment, from one source and from several."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.proposals import build_reports
from notifier.domain.proposals.draft import DraftState
from notifier.domain.proposals.signal import Alert, Report
from notifier.domain.values import Impact
from notifier.services.security.audit import Actor
from notifier.services.signals.proposals import Proposing
from notifier.storage.proposals import drafts, signals

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
ANN = Actor("cli:ann", "here")


def a_report(number: int, *, firing: bool = True) -> Report:
    alert = Alert(key=f"a{number}", is_firing=firing, impact=Impact.MAJOR, components={"checkout": None})
    return Report(source=f"mon{number % 3}", kind="generic", group=f"g{number}", change="", alerts=(alert,), at=NOW)


def test_many_at_once_make_one_draft_and_one_end(container_anywhere: ApiContainer) -> None:
    container, reports = container_anywhere, build_reports(container_anywhere)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: reports.take(a_report(number // 2), Proposing()), range(40)))
    with container.database.read() as connection:
        (draft,) = drafts.page(connection, DraftState.OPEN, before=None, limit=10)
        assert len(signals.of_draft(connection, draft.id)) == 20
    container.publish_draft.publish(draft.id, seen_version=draft.version, actor=ANN)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: reports.take(a_report(number, firing=False), Proposing()), range(20)))
    with container.database.read() as connection:
        (end,) = drafts.page(connection, DraftState.OPEN, before=None, limit=10)
    assert (end.incident_id, end.update["status"]) == (draft.incident_id, "resolved")


def test_publishing_while_reports_come_leaves_no_signal_behind(container_anywhere: ApiContainer) -> None:
    container, reports = container_anywhere, build_reports(container_anywhere)
    receipt = reports.take(a_report(0), Proposing())
    assert receipt.draft_id is not None
    draft_id = receipt.draft_id
    with ThreadPoolExecutor(4) as pool:
        pool.submit(container.publish_draft.publish, draft_id, seen_version=1, actor=ANN)
        list(pool.map(lambda number: reports.take(a_report(number), Proposing()), range(3)))
    with container.database.read() as connection:
        found = signals.page(connection, states=(), source=None, before=None, limit=10)
        draft = drafts.find(connection, draft_id)
    assert draft is not None
    expected = draft.incident_id if draft.state is DraftState.PUBLISHED else None
    assert {signal.incident_id for signal in found} == {expected}
