"""`notifier explain`: why this subscriber was, or was not, told."""

from typing import Annotated

import typer

from notifier.cli.console import JsonFlag, out, print_json
from notifier.cli.setup import installation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    incident: Annotated[str, typer.Option("--incident", help="The incident's id.")],
    subscriber: Annotated[str, typer.Option("--subscriber", help="The subscriber's external_id.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Say why this subscriber was, or was not, told: each rule and its verdict."""
    found = installation("explain").explain(incident, subscriber)
    if as_json:
        print_json(found)
        return
    out.print(found["summary"], markup=False)
    for item in found["notifications"]:
        out.print(f"\n{item['sequence']}. {item['words']}", markup=False)
        for rule in item["rules"]:
            mark = "pass" if rule["passed"] else "STOP"
            out.print(f"   {mark}  {rule['rule']:<22} {rule['seen']}", markup=False)
        for attempt in (item["delivery"] or {}).get("attempts", ()):
            out.print(f"   try   {attempt['started_at']}  {attempt['outcome']} {attempt['detail']}", markup=False)
