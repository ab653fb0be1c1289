"""`notifier drafts`: proposed events, those that sources suggested included."""

from typing import Annotated

import typer

from notifier.cli.output import JsonFlag, out, print_facts, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.proposals.draft import DraftState

Id = Annotated[str, typer.Argument(help="Draft id, such as drf_01kd...")]
Version = Annotated[
    int | None, typer.Option("--version", min=1, help="The version you read; the latest one if omitted.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, show, publish and discard drafts.", no_args_is_help=True)
    for name, command in (("list", list_drafts), ("show", show), ("publish", publish), ("discard", discard)):
        group.command(name)(command)
    app.add_typer(group, name="drafts")


def list_drafts(
    state: Annotated[DraftState, typer.Option("--state", help="Filter by state.")] = DraftState.OPEN,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of drafts.")] = 100,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List drafts, newest first."""
    items = installation("drafts").drafts.page(state, before=None, limit=limit)
    if as_json:
        print_json(items)
        return
    columns = ["id", "version", "source", "incident", "status", "updated_at", "reason"]
    rows = [
        [
            *(item["id"], item["version"], item["source"] or item["author"], item["incident"]["id"]),
            *(item["update"].get("status", ""), item["updated_at"], item["reason"]),
        ]
        for item in items
    ]
    print_table("", columns, rows)


def show(draft_id: Id, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Show one draft."""
    item = installation("drafts").drafts.get(draft_id)
    if as_json:
        print_json(item)
        return
    print_facts({name: value for name, value in item.items() if value is not None})


def publish(draft_id: Id, version: Version = None, *, as_json: JsonFlag = False) -> None:
    """Publish a draft: it is announced like any event. Publishing it twice changes nothing."""
    notifier = installation("drafts")
    seen = version or notifier.drafts.get(draft_id)["version"]
    receipt = notifier.publish_draft.publish(draft_id, seen_version=seen, actor=operator())
    if as_json:
        print_json(receipt)
        return
    waits = ", held for approval" if receipt["held"] else ""
    out.print(f"{receipt['outcome']}: {receipt['reason']}; {receipt['recipients']} recipients{waits}", markup=False)


def discard(draft_id: Id, version: Version = None, *, as_json: JsonFlag = False) -> None:
    """Discard a draft: it can no longer be published."""
    item = installation("drafts").drafts.discard(draft_id, seen_version=version, actor=operator())
    if as_json:
        print_json(item)
    else:
        out.print(f"{item['id']} is {item['state']}", markup=False)
