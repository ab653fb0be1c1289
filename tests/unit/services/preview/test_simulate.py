"""A history through the coalescing rules, with no clock and no network."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.messages.brand import Account
from notifier.domain.values import Channel, Outcome, Platform, Status
from notifier.services.preview.simulate import simulate
from notifier.services.preview.simulation_report import PostCosts, SimulationReport, side_by_side
from tests.support.repository import ROOT
from tests.unit.domain.incidents.coalesce_worlds import START
from tests.unit.services.preview.simulated_events import POLICIES, X_NL, an_event

X_EN = Account(name="x-en", platform=Platform.X, locale="en", with_link=False)
MASTODON = Account(name="m-en", platform=Platform.MASTODON, locale="en")


def announced(report: SimulationReport, channel: Channel) -> list[tuple[float, list[str]]]:
    return [
        ((notification.at - START).total_seconds(), list(notification.update_ids))
        for notification in report.notifications
        if notification.channel is channel
    ]


def test_the_incident_of_june_2022_is_told_update_by_update() -> None:
    minutes_and_statuses = [
        (0, Status.INVESTIGATING),
        (11, Status.IDENTIFIED),
        (27, Status.IDENTIFIED),
        (49, Status.MONITORING),
        (99, Status.RESOLVED),
        (443, Status.POSTMORTEM),
    ]
    events = [an_event(n, minutes * 60, status) for n, (minutes, status) in enumerate(minutes_and_statuses)]
    report = simulate(events, POLICIES)
    for channel in Channel:
        assert announced(report, channel) == [
            (minutes * 60, [f"u{n}"]) for n, (minutes, _) in enumerate(minutes_and_statuses)
        ]
        assert report.channels[channel].longest_wait == timedelta()


def test_the_time_line_of_the_documentation_is_what_happens() -> None:
    """docs/coalescing.md draws each update with its time and status, and each notification in brackets."""
    page = (ROOT / "docs" / "coalescing.md").read_text(encoding="utf-8")
    picture = page.split("```")[1]
    posted = re.findall(r"(\d\d:\d\d:\d\d)  (\d) (\w+)", picture)
    mails = re.findall(r"(\d\d:\d\d:\d\d) .*-->  \[([\d ]+)\]", picture)
    hooks = re.findall(r"(\d\d:\d\d:\d\d) .*webhook \[(\d)\]", picture)

    def second(clock: str) -> float:
        hours, minutes, seconds = map(int, clock.split(":"))
        return (hours - 10) * 3600 + minutes * 60 + seconds

    report = simulate([an_event(int(n), second(clock), Status(status)) for clock, n, status in posted], POLICIES)
    assert len(posted) == 9
    for channel, drawn in ((Channel.EMAIL, mails), (Channel.WEBHOOK, hooks)):
        assert announced(report, channel) == [
            (second(clock), [f"u{n}" for n in notification.split()]) for clock, notification in drawn
        ]


def test_rapid_updates_are_held_per_channel_and_told_as_one() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10), an_event(2, 20), an_event(3, 30, Status.RESOLVED)], POLICIES)
    assert announced(report, Channel.EMAIL) == [(0, ["u0"]), (30, ["u1", "u2", "u3"])]
    assert announced(report, Channel.WEBHOOK) == [(0, ["u0"]), (10, ["u1"]), (20, ["u2"]), (30, ["u3"])]
    assert report.channels[Channel.EMAIL].merged == 2
    assert report.channels[Channel.EMAIL].longest_wait == timedelta(seconds=20)


def test_what_still_waits_at_the_end_of_the_history_is_told_when_its_window_ends() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10)], POLICIES)
    assert announced(report, Channel.SOCIAL) == [(0, ["u0"]), (60, ["u1"])]


def test_an_update_that_comes_as_the_window_ends_goes_along() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10), an_event(2, 60)], POLICIES)
    assert announced(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["u1", "u2"])]


def test_events_are_taken_in_order_of_posting_and_at_equal_times_in_the_order_given() -> None:
    report = simulate([an_event(2, 300), an_event(0, 0), an_event(1, 300)], POLICIES)
    assert announced(report, Channel.WEBHOOK) == [(0, ["u0"]), (300, ["u2"]), (300, ["u1"])]


def test_every_suppressed_update_is_counted_with_its_reason() -> None:
    events = [
        an_event(0, 0),
        an_event(0, 0),  # the same event
        an_event(1, 5, text="News 0"),  # the same content
        an_event(2, 10, notify=False),
        an_event(3, 20, update_id="u0", text="News 0, mended"),
        an_event(4, 25),
        an_event(5, 30, Status.MONITORING),
        an_event(6, 400, Status.RESOLVED, automatic=True),
        an_event(7, 410, Status.MONITORING, automatic=True),
        an_event(8, 500, Status.RESOLVED),
    ]
    report = simulate(events, POLICIES)
    assert report.outcomes == {Outcome.ACCEPTED: 6, Outcome.DUPLICATE: 2, Outcome.RECORDED: 2}
    email = report.channels[Channel.EMAIL]
    assert announced(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["u4", "u5"]), (500, ["u8"])]
    assert (email.duplicate, email.recorded, email.stale, email.absorbed, email.merged) == (2, 2, 0, 2, 1)


def test_an_edit_with_new_facts_is_announced_again() -> None:
    events = [an_event(0, 0, update_id="only"), an_event(1, 600, Status.RESOLVED, update_id="only")]
    report = simulate(events, POLICIES)
    assert announced(report, Channel.EMAIL) == [(0, ["only"]), (600, ["only"])]
    assert [notification.closes for notification in report.notifications if notification.channel is Channel.EMAIL] == [
        False,
        True,
    ]


def test_an_edit_of_what_is_still_pending_is_told_once() -> None:
    events = [an_event(0, 0), an_event(1, 10, update_id="x"), an_event(2, 20, Status.MONITORING, update_id="x")]
    report = simulate(events, POLICIES)
    assert announced(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["x"])]
    assert report.notifications[-1].lead_status is Status.MONITORING
    assert report.channels[Channel.EMAIL].merged == 1


def test_incidents_do_not_wait_for_each_other() -> None:
    events = [an_event(0, 0, incident="a"), an_event(1, 10, incident="b"), an_event(2, 20, incident="a")]
    report = simulate(events, POLICIES)
    email = [notification for notification in report.notifications if notification.channel is Channel.EMAIL]
    assert [(notification.incident_id, notification.sequence) for notification in email] == [
        ("a", 1),
        ("b", 1),
        ("a", 2),
    ]
    assert report.incidents == 2


def test_notifications_come_in_the_order_of_time() -> None:
    events = [an_event(0, 0, incident="a"), an_event(1, 1, incident="b")]
    events += [an_event(2, 10, incident="a"), an_event(3, 11, incident="b")]
    times = [notification.at for notification in simulate(events, POLICIES).notifications]
    assert times == sorted(times)


# --- costs, two policies ---------------------------------------------------------------------------------------------


def test_only_posts_on_x_cost_and_a_link_costs_thirteen_times_the_post() -> None:
    events = [an_event(0, 0), an_event(1, 100, text="See https://status.example for more")]
    assert simulate(events, POLICIES).costs.configured == 0
    assert simulate(events, POLICIES, accounts=[MASTODON]).costs.configured == 0
    assert simulate(events, POLICIES, accounts=[X_EN]).costs.configured == 15 + 200
    assert simulate(events, POLICIES, accounts=[X_EN, X_NL]).costs.configured == 15 + 200 + 2 * 200


def test_the_cost_is_compared_with_one_message_per_update() -> None:
    report = simulate([an_event(n, n) for n in range(10)], POLICIES, accounts=[X_NL])
    summary = report.summary()
    assert summary["estimated_cost_usd"] == 0.4
    assert summary["one_message_per_update"] == {
        "notifications": {"email": 10, "social": 10, "webhook": 10},
        "estimated_cost_usd": 2.0,
        "estimated_cost_usd_with_link": 2.0,
        "estimated_cost_usd_without_link": 0.15,
    }


def test_the_cost_is_told_with_a_link_in_every_post_and_with_none() -> None:
    events = [an_event(0, 0), an_event(1, 100, text="See https://status.example for more")]
    for account in (X_EN, X_NL):
        costs = simulate(events, POLICIES, accounts=[account]).costs
        assert (costs.with_link, costs.without_link) == (400, 215)


def test_without_the_social_channel_nothing_is_posted_or_paid() -> None:
    report = simulate([an_event(0, 0)], {Channel.EMAIL: CoalescePolicy()}, accounts=[X_NL])
    assert (report.costs, report.costs_of_every_update) == (PostCosts(), PostCosts())


def test_two_policies_stand_side_by_side() -> None:
    events = [an_event(n, n * 10) for n in range(7)]
    patient = {channel: replace(policy, window=300.0) for channel, policy in POLICIES.items()}
    both = side_by_side({"now": simulate(events, POLICIES), "patient": simulate(events, patient)})
    assert list(both) == ["policies"]
    assert json.loads(json.dumps(both))["policies"].keys() == {"now", "patient"}


def test_the_json_names_what_goes_out_where_when_and_with_which_updates() -> None:
    report = simulate([an_event(0, 0.5), an_event(1, 1, Status.RESOLVED)], {Channel.EMAIL: CoalescePolicy()})
    answer = report.as_json()
    assert answer["notifications"] == [
        {
            "incident_id": "inc",
            "channel": "email",
            "sequence": 1,
            "at": "2024-03-31T00:30:00.500000Z",
            "update_ids": ["u0"],
            "lead_status": "investigating",
            "urgency": "opened",
            "opens": True,
            "closes": False,
        },
        {
            "incident_id": "inc",
            "channel": "email",
            "sequence": 2,
            "at": "2024-03-31T00:30:01Z",
            "update_ids": ["u1"],
            "lead_status": "resolved",
            "urgency": "flush_on",
            "opens": False,
            "closes": True,
        },
    ]
    costs = {f"estimated_cost_usd{kind}": 0.0 for kind in ("", "_with_link", "_without_link")}
    assert answer["summary"] == {
        "updates": 2,
        "incidents": 1,
        "outcomes": {"accepted": 2, "duplicate": 0, "stale": 0, "recorded": 0},
        "channels": {
            "email": {
                "notifications": 2,
                "suppressed": {"duplicate": 0, "stale": 0, "recorded": 0, "absorbed": 0, "merged": 0},
                "longest_wait_seconds": 0.0,
            }
        },
        **costs,
        "one_message_per_update": {"notifications": {"email": 2}, **costs},
    }


def test_an_empty_history_has_an_empty_report() -> None:
    report = simulate([], POLICIES)
    assert (report.updates, report.notifications) == (0, ())


def test_instants_are_shown_in_utc() -> None:
    elsewhere = datetime.fromisoformat("2022-06-21T08:36:00+02:00")
    event = an_event(0, 0)
    report = simulate([replace(event, update=replace(event.update, posted_at=elsewhere.astimezone(UTC)))], POLICIES)
    assert report.notifications[0].as_json()["at"] == "2022-06-21T06:36:00Z"


def test_the_time_line_of_the_readme_is_what_happens() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (picture,) = [block for block in page.split("```") if "window = 60" in block and "10:02:30" in block]
    posted = re.findall(r"10:(\d\d):(\d\d)  (\w+)", picture)
    events = [an_event(n, int(at) * 60 + int(s), Status(status)) for n, (at, s, status) in enumerate(posted)]
    assert announced(simulate(events, POLICIES), Channel.EMAIL) == [
        (0, ["u0"]),
        (60, ["u1", "u2"]),
        (150, ["u3", "u4"]),
    ]
    for words in ("one message at 10:01:00", "the next window is 120 s", "held until 10:03:00", "one message now"):
        assert words in picture
