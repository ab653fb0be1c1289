"""`notifier keys`: API keys, and the keys that secrets are sealed with."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from notifier.cli.console import EXIT_FAILED, JsonFlag, out, print_json, print_table
from notifier.cli.people import operator
from notifier.cli.setup import installation
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.services.security.api_keys import Scope

_SPAN = re.compile(r"(\d{1,5})([dh])", re.ASCII)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="API keys, and the keys that secrets are sealed with.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    group.command("reseal")(reseal)
    app.add_typer(group, name="keys")


def create(
    scope: Annotated[list[Scope], typer.Option("--scope", help="What the key may do; may be repeated.")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "",
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="When it ends: 90d, 12h, or a date such as 2027-01-31 (UTC)."),
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Make a key and print it: this once, it is kept as a digest only."""
    scopes = [item.value for item in scope]
    notifier = installation("keys")
    until = _until(expires, notifier.clock()) if expires else None
    made = notifier.api_keys.create(name or "-".join(scopes), scopes, operator(), expires_at=until)
    facts = {"id": made.id, "key": made.plaintext, "scopes": scopes, "expires_at": until and until.isoformat()}
    if as_json:
        print_json(facts)
    else:
        out.print(made.plaintext, markup=False)


def _until(text: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(text)
    if span is not None:
        number = int(span[1])
        return now + (timedelta(days=number) if span[2] == "d" else timedelta(hours=number))
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError([FieldError("--expires", "must be a span such as 90d or 12h, or a date")]) from None


def list_keys(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List the keys, without their secrets."""
    items = installation("keys").api_keys.list()
    if as_json:
        print_json(items)
        return
    columns = ["id", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
    rows = [[", ".join(item[c]) if c == "scopes" else item.get(c) for c in columns] for item in items]
    print_table("", columns, rows)


def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Revoke a key; it is refused from now on."""
    installation("keys").api_keys.revoke(key_id, operator())
    if as_json:
        print_json({"revoked": key_id})
    else:
        out.print(f"{key_id} is revoked.", markup=False)


def reseal(
    accept_loss: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--accept-loss", help="The former keys are lost: go on with those given now.")
    ] = False,
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Encrypt stored secrets anew with the first of NOTIFIER_SECRET_KEYS; fails where no given key opens some of them.

    With --accept-loss the keys given are taken for this installation's, whatever they do not open: partners' secrets
    that are lost are to be rotated, and the links in mails already sent are dead.
    """
    ring = installation("keys").key_ring
    if accept_loss:
        ring.accept()
    else:
        ring.check()
    found = ring.reseal()
    if as_json:
        print_json({"resealed": found.rows, "unreadable": found.unreadable})
    else:
        out.print(f"{found.rows} sealed anew with the first key.")
        for name in found.unreadable:
            out.print(f"No key given opens the secrets of {name}: rotate that endpoint.", markup=False)
    if found.unreadable:
        raise typer.Exit(EXIT_FAILED)
