"""`notifier incidents`, `deliveries`, `replay`: delivery history, and resending what failed."""

from typing import Annotated

import typer

from notifier.cli.datetimes import moment
from notifier.cli.output import JsonFlag, ask, out, print_facts, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.values import Channel, DeliveryState
from notifier.services.dispatch.replay import ReplayOrder
from notifier.services.dispatch.retry import RetryOrder

Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of rows.")]
States = Annotated[list[DeliveryState] | None, typer.Option("--state", help="Delivery state; repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    incidents = typer.Typer(help="Show incidents and their timelines.", no_args_is_help=True)
    incidents.command("list")(list_incidents)
    incidents.command("show")(show_incident)
    incidents.command("progress")(show_progress)
    app.add_typer(incidents, name="incidents")
    deliveries = typer.Typer(help="Show deliveries and their attempts.", no_args_is_help=True)
    deliveries.command("list")(list_deliveries)
    deliveries.command("show")(show_delivery)
    deliveries.command("retry")(retry)
    app.add_typer(deliveries, name="deliveries")
    app.command()(replay)


def list_incidents(limit: Limit = 50, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List incidents, newest first."""
    items = installation("incidents").history.incidents(limit=limit)
    if as_json:
        print_json(items)
        return
    rows = [[item["id"], item["status"], item["impact"], _any(item["title"]), item["updated_at"]] for item in items]
    print_table("", ["incident", "status", "impact", "title", "updated"], rows)


def show_incident(
    incident_id: Annotated[str, typer.Argument(help="Incident id.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Show one incident: its timeline and its notifications per channel."""
    history = installation("incidents").history
    incident = history.incident(incident_id) | {"notifications": history.notifications(incident_id)}
    if as_json:
        print_json(incident)
        return
    print_facts(
        {
            "incident": incident["id"],
            "title": _any(incident["title"]),
            "status": incident["status"],
            "impact": incident["impact"],
            "components": ", ".join(item["key"] for item in incident["components"]) or "all",
        }
    )
    columns = ["posted_at", "status", "outcome", "author", "id"]
    updates = [[item[column] for column in columns] for item in incident["updates"]]
    print_table("\nTimeline", ["posted", "status", "outcome", "author", "update"], updates)
    rows = [
        [item["channel"], item["sequence"], ", ".join(item["update_ids"]), _counted(item["counts"]), item["id"]]
        for item in incident["notifications"]
    ]
    print_table("\nNotifications", ["channel", "sequence", "updates", "deliveries", "id"], rows)


def show_progress(
    incident_id: Annotated[str, typer.Argument(help="Incident id.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Show the progress of the latest notification per channel: how many were notified, how many wait, and why."""
    found = installation("incidents").progress.of_incident(incident_id)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            channel,
            item["recipients"],
            item["told"],
            item["waiting"],
            _counted(item["why"]) if item["waiting"] else "",
            _counted(item["ended"]) if item["ended"] else "",
            item["last_told_at"],
            item["next_attempt_at"],
        ]
        for channel, item in found["channels"].items()
    ]
    columns = ["channel", "recipients", "told", "waiting", "for", "ended", "last told", "next attempt"]
    print_table("", columns, rows)


def list_deliveries(
    notification: Annotated[str | None, typer.Option("--notification", help="Notification id.")] = None,
    incident: Annotated[str | None, typer.Option("--incident", help="Incident id.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Endpoint id.")] = None,
    state: States = None,
    *,
    limit: Limit = 50,
    as_json: JsonFlag = False,
) -> None:
    """List deliveries, newest first; all, or those of one incident, notification or endpoint."""
    history = installation("deliveries").history
    if endpoint is not None:
        items = history.endpoint_deliveries(endpoint, states=state or (), before=None, limit=limit)
    elif notification is None:
        items = history.latest_deliveries(incident_id=incident, states=state or (), limit=limit)
    else:
        items = history.notification_deliveries(notification, states=state or (), after_key=None, limit=limit)
    if as_json:
        print_json(items)
        return
    columns = ["incident_id", "channel", "sequence", "recipient", "address", "state", "reason", "id"]
    print_table("", columns, [[item[column] for column in columns] for item in items])


def show_delivery(
    delivery_id: Annotated[str, typer.Argument(help="Delivery id.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Show one delivery with its attempts."""
    delivery = installation("deliveries").history.delivery(delivery_id)
    if as_json:
        print_json(delivery)
        return
    print_facts({name: value for name, value in delivery.items() if name != "attempts"})
    rows = [
        [
            item["number"],
            item["started_at"],
            item["duration_ms"],
            item["outcome"],
            item["reason"],
            item["status"],
            item["detail"] or item["answer"],
        ]
        for item in delivery["attempts"]
    ]
    print_table("\nAttempts", ["number", "started", "ms", "outcome", "reason", "status", "detail"], rows)


def replay(
    notification: Annotated[str | None, typer.Option("--notification", help="Notification id.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Endpoint id.")] = None,
    delivery: Annotated[list[str] | None, typer.Option("--delivery", help="Delivery id; repeatable.")] = None,
    channel: Annotated[
        Channel | None,
        typer.Option("--channel", help="All deliveries on this channel; needs --since to resend what arrived."),
    ] = None,
    *,
    state: States = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only deliveries created at or after this time (RFC 3339 with offset)."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Only deliveries created before this time (RFC 3339 with offset).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Resend delivered messages without confirmation.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Resend failed deliveries, or those in the given states. Deliveries keep their ids.

    Select one notification, endpoint or delivery, or everything on a channel; optionally limit the
    time. Resending delivered messages shows their number and asks for confirmation first.
    """
    order = ReplayOrder(
        notification_id=notification,
        endpoint_id=endpoint,
        delivery_ids=tuple(delivery or ()),
        states=tuple(state or (DeliveryState.FAILED,)),
        channel=channel,
        since=moment("--since", since),
        until=moment("--until", until),
    )
    again = installation("replay").replay
    number = again.count(order)
    if dry_run:
        _print_number("count", number, "would be resent", as_json=as_json)
        return
    if order.repeats and not yes:
        ask(f"{number} deliveries, including delivered ones", "resend them")
    number = again.run(order, operator(), may_announce=True)
    _print_number("replayed", number, "will be resent", as_json=as_json)


def _print_number(name: str, number: int, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json({name: number})
    else:
        out.print(f"{number} deliveries {words}.")


def retry(
    notification: Annotated[str | None, typer.Option("--notification", help="Notification id.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Endpoint id.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Mail provider or account (see `notifier providers`).")
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Retry waiting deliveries now, after the cause of the failures is fixed.

    Deliveries still wait for quiet hours, translations, earlier messages and rate limits of the
    receiver.
    """
    order = RetryOrder(endpoint_id=endpoint, notification_id=notification, provider=provider)
    number = installation("deliveries").retry.run(order, operator())
    if as_json:
        print_json({"count": number})
    else:
        out.print("1 delivery is due now." if number == 1 else f"{number} deliveries are due now.")


def _any(texts: dict[str, str]) -> str:
    return texts.get("en") or next(iter(texts.values()))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
