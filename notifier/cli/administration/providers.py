"""`notifier providers`: state of mail providers and social accounts."""

from typing import Any

import typer

from notifier.cli.output import JsonFlag, out, print_json, print_table
from notifier.cli.setup import installation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("providers")(providers)


def providers(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List mail providers and social accounts: state, since when, and the last error."""
    found = [one.as_json() for one in installation("providers").providers.statuses()]
    if as_json:
        print_json(found)
        return
    rows = [
        [one["label"], one["state"], one["since"], _error_text(one["last_error"]), one["next_probe_at"]]
        for one in found
    ]
    print_table("", ["provider", "state", "since", "last error", "next probe"], rows)
    for one in found:
        if one["state"] != "ok":
            command = f"notifier deliveries retry --provider {one['name']}"
            out.print(f"Once {one['label']} is fixed: {command}", markup=False)


def _error_text(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    words = (error["status"], error["detail"] or error["reason"], f"({error['at']})")
    return " ".join(str(word) for word in words if word)
