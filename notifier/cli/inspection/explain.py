"""`notifier explain`: why someone was, or was not, notified."""

from typing import Annotated, Any

import typer

from notifier.cli.output import JsonFlag, out, print_json
from notifier.cli.setup import installation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    incident: Annotated[str, typer.Option("--incident", help="Incident id.")],
    subscriber: Annotated[
        str, typer.Option("--subscriber", help="External id, endpoint id, account name or e-mail address.")
    ],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Explain why a subscriber, endpoint or account was, or was not, notified: each rule and its verdict."""
    found = installation("explain").explain.recipient(incident, subscriber)
    if as_json:
        print_json(found)
        return
    out.print(found["summary"], markup=False)
    for item in found["notifications"]:
        out.print(f"\n{item['recipient']}: {item['words']}", markup=False)
        for rule in item["rules"]:
            out.print(f"   {rule['verdict'].upper():<5} {rule['rule']:<22} {rule['seen']}", markup=False)
        delivery = item["delivery"] or {"attempts": (), "evidence": ()}
        for attempt in delivery["attempts"]:
            out.print(f"   attempt  {attempt['started_at']}  {attempt['outcome']} {attempt['detail']}", markup=False)
        for report in delivery["evidence"]:
            out.print(f"   {report['at']}  reported by the provider: {report['kind']} {_facts(report)}", markup=False)
    out.print("")
    for update in found["updates"]:
        out.print(update["words"], markup=False)
        if update["author"]:
            out.print(f"   published by {update['author']}", markup=False)
    for change in found["changes"]:
        out.print(f"Changed since then: {change['at']} {change['action']} by {change['actor']}", markup=False)


def _facts(report: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in report["facts"].items() if value not in (None, ""))
