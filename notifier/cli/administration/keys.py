"""`notifier keys`: API keys, and the keys that encrypt stored secrets."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from notifier.cli.output import EXIT_FAILED, JsonFlag, out, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.services.security.api_keys import KeyScope

_SPAN = re.compile(r"(\d{1,5})([dh])", re.ASCII)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Manage API keys, and the keys that encrypt stored secrets.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    group.command("reseal")(reseal)
    app.add_typer(group, name="keys")


def create(
    scope: Annotated[list[KeyScope], typer.Option("--scope", help="Scope to grant; repeatable.")],
    name: Annotated[str, typer.Option("--name", help="Name, such as the owner or system.")] = "",
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="Expiry: 90d, 12h, or a date such as 2027-01-31 (UTC)."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Bind it to one source: it opens only /v1/inbound/KIND/SOURCE."),
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Create an API key and print it. It is shown only once: only a hash is stored."""
    scopes = [item.value for item in scope]
    notifier = installation("keys")
    until = _until(expires, notifier.clock()) if expires else None
    made = notifier.api_keys.create(name or "-".join(scopes), scopes, operator(), expires_at=until, source=source)
    facts = {
        "id": made.id,
        "key": made.plaintext,
        "scopes": scopes,
        "source": source,
        "expires_at": until and until.isoformat(),
    }
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
        raise InvalidInputError([FieldError("--expires", "must be a duration such as 90d or 12h, or a date")]) from None


def list_keys(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List API keys, without their secrets."""
    items = installation("keys").api_keys.list()
    if as_json:
        print_json(items)
        return
    columns = ["id", "name", "scopes", "source", "created_at", "expires_at", "last_used_at", "revoked_at"]
    rows = [[", ".join(item[c]) if c == "scopes" else item.get(c) for c in columns] for item in items]
    print_table("", columns, rows)


def revoke(
    key_id: Annotated[str, typer.Argument(help="Key id.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Revoke an API key immediately."""
    installation("keys").api_keys.revoke(key_id, operator())
    if as_json:
        print_json({"revoked": key_id})
    else:
        out.print(f"{key_id} revoked.", markup=False)


def reseal(
    accept_loss: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--accept-loss", help="Continue although former keys are lost.")
    ] = False,
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Re-encrypt stored secrets with the first of NOTIFIER_SECRET_KEYS.

    Fails if some cannot be decrypted.

    With --accept-loss, the given keys are accepted even if they do not decrypt everything.
    Partners' secrets that are lost must be rotated, and links in mails already sent stop working.
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
        out.print(f"{found.rows} re-encrypted with the first key.")
        for name in found.unreadable:
            out.print(
                f"The secrets of {name} cannot be decrypted with the given keys: rotate that endpoint.", markup=False
            )
    if found.unreadable:
        raise typer.Exit(EXIT_FAILED)
