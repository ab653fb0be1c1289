"""`notifier endpoints`: partners' webhook endpoints."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.output import EXIT_FAILED, JsonFlag, out, print_facts, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.endpoint import EndpointMode, SignatureKind
from notifier.domain.values import UpdateLevel, WebhookFormat, WebhookType
from notifier.inbound.endpoints import parse_endpoint

_PAGE = 500
Identifier = Annotated[str, typer.Argument(help="Endpoint id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Manage partners' webhook endpoints.", no_args_is_help=True)
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


def _with_keys() -> ApiContainer:
    """Return the installation for commands that encrypt or decrypt; refuses wrong secret keys."""
    found = installation("endpoints")
    found.key_ring.check()
    return found


def add(
    url: Annotated[str, typer.Argument(help="URL to post to.")],
    description: Annotated[str, typer.Option("--description", help="Description, such as the partner's name.")] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", help="Component to subscribe to; repeatable. All by default.")
    ] = None,
    form: Annotated[WebhookFormat, typer.Option("--format", help="Message format.")] = WebhookFormat.STANDARD,
    *,
    min_impact: Annotated[
        str, typer.Option("--min-impact", help="Minimum impact: none, minor, major or critical.")
    ] = "none",
    updates: Annotated[UpdateLevel, typer.Option("--updates", help="Which updates to send.")] = UpdateLevel.ALL,
    kinds: Annotated[
        list[WebhookType] | None, typer.Option("--type", help="Message type to send; repeatable. All by default.")
    ] = None,
    mode: Annotated[
        EndpointMode, typer.Option("--mode", help="Send every update, or only the latest.")
    ] = EndpointMode.EVERY,
    signature: Annotated[
        SignatureKind, typer.Option("--signature", help="Sign with a shared secret or a key pair.")
    ] = SignatureKind.HMAC,
    subscriber: Annotated[str | None, typer.Option("--subscriber", help="External id of the partner.")] = None,
    owner_email: Annotated[
        str | None, typer.Option("--owner-email", help="Notified when the endpoint keeps failing.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="Extra request header, as 'Name: value'; repeatable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add an endpoint. Prints its secret, which is shown only once, or its public key."""
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
    notifier = _with_keys()
    endpoint = parse_endpoint(orjson.dumps(facts), notifier.vocabulary)
    _print(notifier.endpoints.create(endpoint, operator()), as_json=as_json)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise InvalidInputError([FieldError("--header", "must have the form 'Name: value'")])
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
    """Post a signed endpoint.test now and show the response."""
    notifier = _with_keys()
    try:
        found = notifier.endpoint_tests.send(endpoint_id, operator())
    finally:
        notifier.close()
    _print(found if as_json else found["test"], as_json=as_json)
    if not found["test"]["succeeded"]:
        raise typer.Exit(EXIT_FAILED)


def rotate(
    endpoint_id: Identifier,
    overlap_hours: Annotated[
        float | None,
        typer.Option(
            "--overlap-hours", help="Hours during which the old secret stays valid (default: as configured, 24)."
        ),
    ] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Rotate the secret or key pair. Prints the new secret, which is shown only once."""
    overlap = None if overlap_hours is None else timedelta(hours=overlap_hours)
    _print(_with_keys().endpoints.rotate(endpoint_id, operator(), overlap=overlap), as_json=as_json)


def enable(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Activate an endpoint and reset its failure history."""
    _print(installation("endpoints").endpoints.enable(endpoint_id, operator()), as_json=as_json)


def disable(
    endpoint_id: Identifier,
    reason: Annotated[str, typer.Option("--reason", help="Reason, shown to colleagues.")] = "by hand",
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Stop posting to an endpoint."""
    _print(installation("endpoints").endpoints.disable(endpoint_id, operator(), reason=reason), as_json=as_json)


def remove(endpoint_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Delete an endpoint and its secrets."""
    installation("endpoints").endpoints.remove(endpoint_id, operator())
    if as_json:
        print_json({"removed": endpoint_id})
    else:
        out.print(f"{endpoint_id} removed.", markup=False)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(found)
