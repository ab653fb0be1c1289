"""What fails at another provider becomes a draft of ours, and nobody is notified before a person publishes it."""

from collections.abc import Mapping
from typing import Any

import pytest

from notifier.domain.proposals.draft import DraftState
from notifier.domain.proposals.signal import SignalState
from notifier.domain.proposals.source_rules import UpstreamMode
from notifier.domain.values import Impact, Status
from notifier.storage.database.engine import Database
from tests.integration.services.upstreams.upstream_desk import UpstreamDesk, upstream_desk
from tests.support.status_page import RECENT, SUMMARY, UNRESOLVED, an_incident


def components_of(incident: Mapping[str, Any]) -> dict[str, str]:
    return {item["key"]: item["status"] for item in incident["components"]}


def our_incident(desk: UpstreamDesk, *keys: str) -> str:
    """A person opens an incident of ours on these components."""
    desk.pipeline.post(Status.INVESTIGATING, components=keys, posted_at=desk.clock())
    return "inc-1"


def test_an_outage_becomes_one_draft_that_names_the_provider_and_links_its_page(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.poll()
        assert desk.drafts() == []
        desk.page.incidents = [an_incident()]
        desk.later()
        draft = desk.draft()
        assert draft.incident["title"] == {"nl": "Storing bij Edge Carrier", "en": "Disruption at Edge Carrier"}
        assert draft.incident["links"] == ["https://stspg.io/p31zjtct2jer"]
        assert components_of(draft.incident) == {"checkout": "partial_outage", "storefront": "partial_outage"}
        assert (draft.incident["impact"], draft.update["status"]) == ("major", "identified")
        assert "Edge Carrier" in draft.update["body"]["nl"]
        assert draft.author == "source:cloudflare"
        desk.later()
        assert desk.draft() == draft
        assert desk.pipeline.tasks.plans == []


def test_its_progress_changes_the_open_draft_and_its_end_discards_it(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident(components=("DNS",), impact="minor")]
        desk.poll()
        assert desk.draft().version == 1
        desk.page.incidents = [an_incident(components=("DNS", "CDN/Cache"), impact="critical", status="identified")]
        desk.later()
        draft = desk.draft()
        assert set(components_of(draft.incident)) == {"api", "checkout", "storefront"}
        assert draft.incident["impact"] == "critical"
        assert draft.version == 2
        desk.page.incidents = [an_incident(status="resolved")]
        desk.later()
        assert desk.drafts() == []
        assert "over" in desk.draft(DraftState.DISCARDED).reason


def test_with_an_open_incident_of_ours_it_proposes_the_cause_with_its_link(database: Database) -> None:
    with upstream_desk(database) as desk:
        incident_id = our_incident(desk, "storefront", "pos")
        desk.page.incidents = [an_incident()]
        desk.later()
        draft = desk.draft()
        assert (draft.incident_id, draft.update["status"]) == (incident_id, "identified")
        assert "https://stspg.io/p31zjtct2jer" in draft.incident["links"]
        assert draft.update["body"]["nl"].startswith("De oorzaak is een storing bij onze leverancier Edge Carrier.")
        assert draft.update["body"]["en"].startswith("The cause is a disruption at our supplier Edge Carrier.")
        desk.publish(draft)
        assert desk.links(incident_id)[-1] == "https://stspg.io/p31zjtct2jer"


def test_each_stage_of_a_published_incidents_cause_is_proposed_in_its_own_words(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident(status="investigating")]
        desk.poll()
        desk.publish(desk.draft())
        said = []
        for status in ("identified", "monitoring"):
            desk.page.incidents = [an_incident(status=status)]
            desk.later()
            draft = desk.draft()
            said.append((draft.update["status"], draft.update["body"]["en"].partition(" reports ")[2]))
            desk.publish(draft)
        assert said == [
            ("identified", "that it has found the cause and is working on a fix."),
            ("monitoring", "that a fix is in place. We are keeping an eye on our services."),
        ]


def test_the_end_of_what_was_published_is_proposed_at_once_and_a_postmortem_changes_nothing(
    database: Database,
) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        opened = desk.draft()
        desk.publish(opened)
        desk.page.incidents = [an_incident(status="resolved")]
        desk.later()
        end = desk.draft()
        assert (end.incident_id, end.update["status"]) == (opened.incident_id, "resolved")
        assert set(components_of(end.incident).values()) == {"operational"}
        for _ in range(2):
            desk.page.incidents = [an_incident(status="postmortem")]
            desk.later()
            assert desk.draft() == end
        desk.publish(end)
        desk.later()
        assert desk.drafts() == []


def test_an_incident_that_moves_to_other_components_moves_its_draft(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        desk.page.incidents = [an_incident(components=("DNS",))]
        desk.later()
        assert components_of(desk.draft().incident) == {"api": "partial_outage"}
        desk.page.incidents = [an_incident(components=("Registrar",))]
        desk.later()
        assert desk.drafts() == []
        assert "none of our components" in desk.draft(DraftState.DISCARDED).reason
        desk.page.incidents = [an_incident(components=("CDN/Cache",))]
        desk.later()
        assert set(components_of(desk.draft().incident)) == {"checkout", "storefront"}


def test_an_incident_that_vanishes_stays_as_it_is_and_its_draft_says_so(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        before = desk.draft()
        desk.page.incidents = []
        desk.later()
        after = desk.draft()
        assert (after.version, after.incident) == (before.version, before.incident)
        assert "no longer lists it" in after.reason
        (signal,) = desk.signals(SignalState.FIRING)
        assert "no longer lists it" in signal.reason
        asked = len(desk.page.asked)
        desk.later()
        assert desk.page.asked[asked:] == [(UNRESOLVED, 304)]
        desk.page.incidents = [an_incident()]
        desk.later()
        assert [one.reason for one in desk.signals(SignalState.FIRING)] == [""]
        assert "no longer" not in desk.draft().reason


def test_the_first_poll_announces_no_history_but_counts_what_is_unresolved(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.hidden = {UNRESOLVED, SUMMARY}
        old = [an_incident(f"old-{number}", status="resolved") for number in range(20)]
        desk.page.incidents = [*old, an_incident("running"), an_incident("old", status="postmortem")]
        desk.poll()
        assert desk.draft().incident["links"] == ["https://stspg.io/running"]
        assert len(desk.signals()) == 1
        desk.page.incidents = [*old, an_incident("running", status="resolved")]
        desk.later()
        assert desk.drafts() == []
        assert [one.state for one in desk.signals()] == [SignalState.ENDED]


def test_components_that_are_not_mapped_and_small_trouble_concern_nobody(database: Database) -> None:
    with upstream_desk(database, min_impact=Impact.MAJOR) as desk:
        desk.page.incidents = [an_incident("a", components=("Registrar",)), an_incident("b", impact="minor")]
        desk.poll()
        assert desk.drafts() == []
        assert {one.state for one in desk.signals()} == {SignalState.IGNORED}
        assert all(one.reason for one in desk.signals())
        desk.page.incidents[1]["impact"] = "major"
        desk.later()
        assert desk.draft().incident["impact"] == "major"


def test_mode_record_proposes_nothing(database: Database) -> None:
    with upstream_desk(database, mode=UpstreamMode.RECORD) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        assert desk.drafts() == []
        assert [one.state for one in desk.signals()] == [SignalState.FIRING]


def test_mode_link_only_links_the_page_on_an_open_incident_of_ours_whichever_came_first(database: Database) -> None:
    with upstream_desk(database, mode=UpstreamMode.LINK) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        assert desk.drafts() == []
        incident_id = our_incident(desk, "checkout")
        plans = list(desk.pipeline.tasks.plans)
        for _ in range(2):
            desk.later()
            assert desk.links(incident_id) == ["https://stspg.io/p31zjtct2jer"]
        assert desk.drafts() == []
        assert desk.pipeline.tasks.plans == plans
        assert [one.incident_id for one in desk.signals()] == [incident_id]


def test_a_page_that_offers_only_a_summary_is_read_from_there(database: Database) -> None:
    with upstream_desk(database) as desk:
        desk.page.hidden = {UNRESOLVED, RECENT}
        desk.page.incidents = [an_incident()]
        desk.poll()
        desk.later()
        assert len(desk.drafts()) == 1
        assert desk.page.asked == [(UNRESOLVED, 404), (SUMMARY, 200), (SUMMARY, 304)]


def test_another_mapping_is_applied_although_the_page_has_not_changed(database: Database) -> None:
    with upstream_desk(database, components={}) as before:
        before.page.incidents = [an_incident()]
        before.poll()
        assert before.drafts() == []
        after = UpstreamDesk(database, before.page, components={"*": ("pos",)})
        after.clock.now = before.clock.now
        after.later()
        assert components_of(after.draft().incident) == {"pos": "partial_outage"}
        after.client.close()


@pytest.mark.parametrize(
    "fault",
    [
        (200, {"Content-Type": "text/html"}, b"<html>Service unavailable</html>"),
        (200, {}, b'{"page": {}}'),
        (500, {}, b""),
        (404, {}, b""),
    ],
)
def test_a_page_that_cannot_be_read_is_neither_up_nor_down(
    database: Database, fault: tuple[int, Mapping[str, str], bytes]
) -> None:
    with upstream_desk(database) as desk:
        desk.page.incidents = [an_incident()]
        desk.poll()
        before, signals = desk.draft(), desk.signals()
        desk.page.fault = fault
        for failures in (1, 2):
            desk.later(400)
            assert desk.failures == failures
        assert desk.draft() == before
        assert desk.signals() == signals
        desk.page.fault, desk.page.incidents = None, [an_incident(status="resolved")]
        desk.later(400)
        assert desk.failures == 0
        assert desk.drafts() == []
        assert desk.draft(DraftState.DISCARDED).update["status"] == Status.IDENTIFIED
