"""`notifier notifications`: notifications held for approval."""

from typing import Annotated

import typer

from notifier.cli.output import JsonFlag, out, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator

Id = Annotated[str, typer.Argument(help="Notification id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Approve or cancel held notifications.", no_args_is_help=True)
    group.command("held")(list_held)
    group.command("release")(release)
    group.command("cancel")(cancel)
    app.add_typer(group, name="notifications")


def list_held(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List held notifications, oldest first."""
    items = installation("notifications").history.held()
    if as_json:
        print_json(items)
        return
    columns = ["id", "incident_id", "channel", "sequence", "update_ids", "created_at"]
    rows = [[", ".join(item[c]) if c == "update_ids" else item[c] for c in columns] for item in items]
    print_table("", columns, rows)


def release(notification_id: Id, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Release a held notification, together with those held before it."""
    _print_decision(installation("notifications").release.release(notification_id, operator()), as_json=as_json)


def cancel(notification_id: Id, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Cancel a held notification: nobody is notified of its updates."""
    _print_decision(installation("notifications").release.cancel(notification_id, operator()), as_json=as_json)


def _print_decision(decided: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(decided)
    else:
        out.print(f"{decided['id']} is {decided['state']}", markup=False)
