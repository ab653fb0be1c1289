"""`notifier audit`: the audit trail."""

from typing import Annotated, Any

import orjson
import typer

from notifier.cli.output import JsonFlag, print_json, print_table
from notifier.cli.subscriber_setup import subscriber_container

_MOST_SHOWN = 80


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The audit trail: who changed what, when, from where.", no_args_is_help=True)
    group.command("list")(list_entries)
    app.add_typer(group, name="audit")


def list_entries(
    kind: Annotated[
        str | None, typer.Option("--kind", help="Kind of object: subscriber, endpoint, api_key, policy ...")
    ] = None,
    object_id: Annotated[str | None, typer.Option("--id", help="Id of the object, which may be erased.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of entries.")] = 50,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List changes to subscribers, endpoints, keys and policy, newest first."""
    items = subscriber_container("audit").audit.entries(limit=limit, kind=kind, object_id=object_id)
    if as_json:
        print_json(items)
        return
    rows = [
        [item["at"], item["actor"], item["origin"], item["action"], item["object_id"], _short(item["detail"])]
        for item in items
    ]
    print_table("", ["at", "actor", "origin", "action", "object", "detail"], rows)


def _short(detail: dict[str, Any]) -> str:
    text = orjson.dumps(detail).decode() if detail else ""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
