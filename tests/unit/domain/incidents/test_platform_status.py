from dataclasses import replace
from datetime import UTC, datetime

from notifier.domain.incidents.incident import AffectedComponent, Incident
from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.incidents.platform_status import PublicTimeline, health
from notifier.domain.values import ComponentStatus, Impact, Status

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYS = ("api", "pos")


def a_timeline(status: Status, impact: Impact = Impact.MAJOR, *components: AffectedComponent) -> PublicTimeline:
    update = NoticeUpdate(id="u", status=status, impact=impact, body={}, posted_at=AT, sequence=1)
    return PublicTimeline(incident=Incident(id="i", title={}, impact=impact, components=components), updates=[update])


def test_the_worst_that_is_said_of_a_component_counts() -> None:
    slow = AffectedComponent(key="api", status=ComponentStatus.DEGRADED_PERFORMANCE)
    down = AffectedComponent(key="api", status=ComponentStatus.MAJOR_OUTAGE)
    running = [a_timeline(Status.IDENTIFIED, Impact.MINOR, part) for part in (slow, down, slow)]
    assert health(running, KEYS) == {"api": ComponentStatus.MAJOR_OUTAGE, "pos": ComponentStatus.OPERATIONAL}


def test_an_incident_that_names_no_component_means_all_of_them() -> None:
    assert set(health([a_timeline(Status.INVESTIGATING, Impact.CRITICAL)], KEYS).values()) == {
        ComponentStatus.MAJOR_OUTAGE
    }


def test_a_component_without_a_word_stands_as_the_incident_does() -> None:
    found = health([a_timeline(Status.INVESTIGATING, Impact.MAJOR, AffectedComponent(key="pos"))], KEYS)
    assert found == {"api": ComponentStatus.OPERATIONAL, "pos": ComponentStatus.PARTIAL_OUTAGE}


def test_what_is_over_or_yet_to_come_harms_nothing_and_unknown_components_are_left_out() -> None:
    ended = [a_timeline(status) for status in (Status.RESOLVED, Status.POSTMORTEM, Status.COMPLETED, Status.SCHEDULED)]
    strange = a_timeline(Status.INVESTIGATING, Impact.MAJOR, AffectedComponent(key="telex"))
    assert health([*ended, strange], KEYS) == dict.fromkeys(KEYS, ComponentStatus.OPERATIONAL)


def test_an_incident_whose_source_names_none_of_ours_says_nothing_of_any() -> None:
    unclear = a_timeline(Status.INVESTIGATING, Impact.CRITICAL)
    unclear = replace(unclear, incident=replace(unclear.incident, components_known=False))
    assert set(health([unclear], KEYS).values()) == {ComponentStatus.OPERATIONAL}
