"""`notifier endpoints`: partners' webhook endpoints."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer

from notifier.bootstrap.application import Application
from notifier.cli.console import EXIT_FAILED, JsonFlag, out, print_facts, print_json, print_table
from notifier.cli.people import operator
from notifier.cli.setup import installation
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.endpoint import EndpointMode, SignatureKind
from notifier.domain.values import Wanted, WebhookFormat, WebhookType

_PAGE = 500
Identifier = Annotated[str, typer.Argument(help="The endpoint's id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Partners' webhook endpoints.", no_args_is_help=True)
    for name, command in (
        ("add", add),
        ("list", list_endpoints),
        ("show", show),
        ("test", post_test),
        ("rotate", rotate),
        ("enable", enable),
        ("disable", disable),
        ("remove", remove),
    ):
        group.command(name)(command)
    app.add_typer(group, name="endpoints")


def _with_keys() -> Application:
    """Return the installation for what seals or opens secrets: never with a key that is not its own."""
    found = installation("endpoints")
    found.key_ring.check()
    return found


def add(
    url: Annotated[str, typer.Argument(help="Where to post.")],
    description: Annotated[str, typer.Option("--description", help="Whose it is.")] = "",
    component: Annotated[list[str] | None, typer.Option("--component", help="Only these; may be repeated.")] = None,
    form: Annotated[WebhookFormat, typer.Option("--format", help="Shape of the messages.")] = WebhookFormat.STANDARD,
    *,
    min_impact: Annotated[str, typer.Option("--min-impact", help="none, minor, major or critical.")] = "none",
    updates: Annotated[Wanted, typer.Option("--updates", help="How much of an incident.")] = Wanted.ALL,
    kinds: Annotated[list[WebhookType] | None, typer.Option("--type", help="Only these; may be repeated.")] = None,
    mode: Annotated[EndpointMode, typer.Option("--mode", help="Every update, or the latest.")] = EndpointMode.EVERY,
    signature: Annotated[
        SignatureKind, typer.Option("--signature", help="A shared secret, or a key pair.")
    ] = SignatureKind.HMAC,
    subscriber: Annotated[str | None, typer.Option("--subscriber", help="The partner's external id.")] = None,
    owner_email: Annotated[str | None, typer.Option("--owner-email", help="Is told when it fails for days.")] = None,
    header: Annotated[list[str] | None, typer.Option("--header", help="'Name: value' to send along.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add an endpoint and print its secret (this once) or its public key."""
    facts = {
        "url": url,
        "description": description,
        "components": component or [],
        "min_impact": min_impact,
        "updates": updates,
        "types": kinds or [],
        "format": form,
        "mode": mode,
        "signature": signature,
        "subscriber": subscriber,
        "owner_email": owner_email,
        "headers": dict(map(_header, header or [])),
    }
    _print(_with_keys().endpoints.create(orjson.dumps(facts), operator()), as_json=as_json)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise InvalidInputError([FieldError("--header", "must be written 'Name: value'")])
    return name.strip(), value.strip()


def list_endpoints(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """List all endpoints."""
    service = installation("endpoints").endpoints
    items: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        found, after = service.list(limit=_PAGE, after=after)
        items += found
    if as_json:
        print_json(items)
        return
    columns = ["id", "url", "description", "state", "failing_since", "last_success_at"]
    print_table("", columns, [[item.get(column) for column in columns] for item in items])


def show(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Show one endpoint."""
    _print(installation("endpoints").endpoints.get(endpoint_id), as_json=as_json)


def post_test(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Post a signed endpoint.test now and say what was answered."""
    notifier = _with_keys()
    try:
        found = notifier.endpoint_tests(endpoint_id, operator())
    finally:
        notifier.close()
    _print(found if as_json else found["test"], as_json=as_json)
    if not found["test"]["succeeded"]:
        raise typer.Exit(EXIT_FAILED)


def rotate(
    endpoint_id: Identifier,
    overlap_hours: Annotated[
        float | None, typer.Option("--overlap-hours", help="How long the old one signs too (24, or as configured).")
    ] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Give an endpoint a new secret (or key pair) and print it: this once."""
    overlap = None if overlap_hours is None else timedelta(hours=overlap_hours)
    _print(_with_keys().endpoints.rotate(endpoint_id, operator(), overlap=overlap), as_json=as_json)


def enable(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Make an endpoint active with a clean record."""
    _print(installation("endpoints").endpoints.enable(endpoint_id, operator()), as_json=as_json)


def disable(
    endpoint_id: Identifier,
    reason: Annotated[str, typer.Option("--reason", help="One sentence for whoever looks.")] = "by hand",
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Post nothing more to an endpoint."""
    _print(installation("endpoints").endpoints.disable(endpoint_id, operator(), reason=reason), as_json=as_json)


def remove(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Delete an endpoint with its secrets."""
    installation("endpoints").endpoints.remove(endpoint_id, operator())
    if as_json:
        print_json({"removed": endpoint_id})
    else:
        out.print(f"{endpoint_id} is removed.", markup=False)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(found)
