from dataclasses import replace

from notifier.domain.incidents.alert_group import alert_event
from notifier.domain.values import Status
from tests.unit.inbound.alert_groups import NOW, WORDING, an_alert, group


def test_an_event_is_a_monitors_and_says_what_its_state_says() -> None:
    firing = alert_event(group(an_alert()), WORDING, incident_id="i", now=NOW)
    calm = alert_event(group(an_alert("resolved")), WORDING, incident_id="i", now=NOW)
    over = alert_event(
        group(an_alert("resolved")), replace(WORDING, when_calm=Status.RESOLVED), incident_id="i", now=NOW
    )
    assert all(event.automatic for event in (firing, calm, over))
    assert [event.update.status for event in (firing, calm, over)] == [
        Status.INVESTIGATING,
        Status.MONITORING,
        Status.RESOLVED,
    ]
    assert [event.update.body for event in (firing, calm, over)] == [
        WORDING.texts.firing,
        WORDING.texts.calm,
        WORDING.texts.over,
    ]
