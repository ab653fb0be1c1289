"""`notifier simulate`: replay a history through the coalescing policy, without clock or network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from notifier.cli.files import read
from notifier.cli.output import JsonFlag, out, print_json, print_lines, print_table
from notifier.domain.incidents.incident import Event
from notifier.domain.values import Channel
from notifier.inbound.event_files import read_events
from notifier.services.preview.simulate import simulate as replay
from notifier.services.preview.simulation_report import SimulationReport, side_by_side
from notifier.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    file: Annotated[
        str, typer.Argument(help="Events as for publish, or incidents.json of a Statuspage; - reads stdin.")
    ],
    config: Annotated[Path | None, typer.Option("--config", help="A notifier.toml with the [coalesce] to use.")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="A second notifier.toml to compare with.")] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Replay a history through the coalescing policy: show which notifications would be sent, when and where."""
    events = read_events(read(file), now=None)
    reports = {"present" if config is None else str(config): _report(events, _settings(config))}
    if policy is not None:
        reports[str(policy)] = _report(events, _settings(policy))
    if as_json:
        print_json(next(iter(reports.values())).as_json() if policy is None else side_by_side(reports))
        return
    for name, report in reports.items():
        if policy is not None:
            out.print(f"\n{name}", style="bold", markup=False)
        _show(report)
    if policy is not None:
        _compare(reports)


def _settings(config: Path | None) -> Settings:
    return load_settings() if config is None else load_settings({}, config=config)


def _report(events: Sequence[Event], settings: Settings) -> SimulationReport:
    policies = {channel: settings.coalesce_policy(channel) for channel in Channel}
    return replay(events, policies, accounts=settings.account_values())


def _show(report: SimulationReport) -> None:
    rows = [
        [
            notification.at.isoformat(timespec="seconds"),
            notification.channel.value,
            notification.incident_id,
            str(notification.sequence),
            notification.lead_status.value,
            ", ".join(notification.update_ids),
        ]
        for notification in report.notifications
    ]
    print_lines(["at", "channel", "incident", "no.", "status", "updates"], rows)
    columns = [
        "channel",
        "one per update",
        "notifications",
        "merged",
        "absorbed",
        "duplicate",
        "stale",
        "recorded",
        "wait (s)",
    ]
    summaries = [
        [
            channel.value,
            report.updates,
            found.notifications,
            found.merged,
            found.absorbed,
            found.duplicate,
            found.stale,
            found.recorded,
            found.longest_wait.total_seconds(),
        ]
        for channel, found in report.channels.items()
    ]
    print_table(f"\n{report.updates} updates of {report.incidents} incidents", columns, summaries)
    rows = [
        [name, f"{costs.configured / 1000:.2f}", f"{costs.with_link / 1000:.2f}", f"{costs.without_link / 1000:.2f}"]
        for name, costs in (("this policy", report.costs), ("one post per update", report.costs_of_every_update))
    ]
    print_table(
        "\nEstimated cost of posts on X in USD", ["", "as configured", "all with a link", "none with a link"], rows
    )


def _compare(reports: Mapping[str, SimulationReport]) -> None:
    """Print the differences, one column per policy."""
    rows: list[list[object]] = []
    for channel in Channel:
        found = [report.channels[channel] for report in reports.values()]
        rows += [
            [channel.value, "notifications", *(each.notifications for each in found)],
            [channel.value, "merged", *(each.merged for each in found)],
            [channel.value, "absorbed", *(each.absorbed for each in found)],
            [channel.value, "longest wait (s)", *(each.longest_wait.total_seconds() for each in found)],
        ]
    rows.append(["x", "USD", *(f"{report.costs.configured / 1000:.2f}" for report in reports.values())])
    print_table("\nComparison", ["channel", "", *reports], rows)
