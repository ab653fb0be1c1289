"""`notifier subscribers`: manage subscribers."""

import io
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import orjson
import typer

from notifier.cli.output import EXIT_FAILED, JsonFlag, fail, out, print_facts, print_json, print_lines
from notifier.cli.subscriber_setup import operator, subscriber_container
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.subscriber import LegalBasis
from notifier.domain.values import SubscriberKind, SubscriberState
from notifier.inbound.list_lines import BadRow
from notifier.inbound.subscribers import parse_patch, parse_subscriber
from notifier.services.subscribers.bulk_import import ImportReport, ListFormat, format_of

_PEEK = 64
_PAGE = 1_000
_PROGRESS_ROWS = 100_000

Identifier = Annotated[str, typer.Argument(help="external_id of the subscriber.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Manage subscribers: merchants, followers, partners.", no_args_is_help=True)
    group.command("import")(import_list)
    group.command("export")(export_list)
    group.command("add")(add)
    group.command("list")(list_subscribers)
    group.command("show")(show)
    group.command("change")(change)
    group.command("remove")(remove)
    app.add_typer(group, name="subscribers")


def import_list(
    file: Annotated[str, typer.Argument(help="CSV or NDJSON; - reads stdin.")],
    legal_basis: Annotated[
        LegalBasis, typer.Option("--legal-basis", help="Legal basis, recorded per row.")
    ] = LegalBasis.IMPORT,
    invite: Annotated[bool, typer.Option("--invite", help="New subscribers must confirm first.")] = False,  # noqa: FBT002
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Import a list: upserts by external_id, keeps valid rows, reports each invalid one with line and reason."""
    notifier = subscriber_container("subscribers")
    with ExitStack() as opened:
        source = _open(file, opened)
        report = notifier.subscriber_import.run(
            source,
            format_of(source.peek(_PEEK)[:_PEEK]),
            operator(),
            legal_basis=legal_basis,
            invite=invite,
            on_bad_row=None if as_json else _print_bad_row,
            on_progress=None if as_json else _print_progress,
        )
    if as_json:
        print_json(report.as_json())
    else:
        print_facts(report.counts())
    if report.rejected and report.rejected == report.rows:
        raise typer.Exit(EXIT_FAILED)


def _open(file: str, opened: ExitStack) -> io.BufferedReader:
    if file == "-":
        return cast("io.BufferedReader", sys.stdin.buffer)
    try:
        return opened.enter_context(Path(file).open("rb"))
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error


def _print_bad_row(row: BadRow) -> None:
    for fault in row.errors:
        sys.stderr.write(f"line {row.line}: {fault.field}: {fault.message}\n")


def _print_progress(report: ImportReport) -> None:
    if report.rows % _PROGRESS_ROWS == 0:
        sys.stderr.write(f"{report.rows:,} rows\n")


def export_list(
    form: Annotated[ListFormat, typer.Option("--format", help="csv, or ndjson with all data.")] = ListFormat.CSV,
    every_column: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--every-column", help="csv: include quiet hours and the hourly limit.")
    ] = False,
    spreadsheet: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--spreadsheet", help="csv: escape formulas, for spreadsheets; not for re-import.")
    ] = False,
) -> None:
    """Write all subscribers to standard output. ndjson includes suppression history and consent."""
    target: BinaryIO = sys.stdout.buffer
    export = subscriber_container("subscribers").subscriber_export
    target.writelines(export.run(form, every_column=every_column, spreadsheet=spreadsheet))


def add(
    external_id: Annotated[str, typer.Option("--id", help="Your id for this subscriber (external_id).")],
    email: Annotated[str | None, typer.Option("--email", help="E-mail address.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name, used in the greeting.")] = None,
    locale: Annotated[str | None, typer.Option("--locale", help="One of the configured locales.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="IANA name, such as Europe/Amsterdam.")] = None,
    *,
    kind: Annotated[SubscriberKind, typer.Option("--kind", help="Kind of subscriber.")] = SubscriberKind.MERCHANT,
    preferences: Annotated[str, typer.Option("--preferences", help="Preferences as JSON, as in the API.")] = "{}",
    as_json: JsonFlag = False,
) -> None:
    """Add one subscriber."""
    facts = {
        "external_id": external_id,
        "kind": kind.value,
        "email": email,
        "name": name,
        "locale": locale,
        "timezone": timezone,
        "preferences": _object(preferences, "--preferences"),
    }
    body = orjson.dumps({key: value for key, value in facts.items() if value is not None})
    notifier = subscriber_container("subscribers")
    subscriber = parse_subscriber(body, notifier.vocabulary)
    _print(notifier.subscribers.create(subscriber, operator()), as_json=as_json)


def change(
    external_id: Identifier,
    members: Annotated[str, typer.Argument(help='Changes as JSON: \'{"preferences": {"min_impact": "major"}}\'')],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Change the given fields and keep the rest; null resets a field to its default."""
    changes = parse_patch(orjson.dumps(_object(members, "MEMBERS")))
    _print(subscriber_container("subscribers").subscribers.patch(external_id, changes, operator()), as_json=as_json)


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInputError([FieldError(name, "must be a JSON object")])
    return found


def list_subscribers(
    kind: Annotated[SubscriberKind | None, typer.Option("--kind", help="Kind of subscriber.")] = None,
    state: Annotated[SubscriberState | None, typer.Option("--state", help="Subscriber state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Maximum number of rows.")] = 50,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List subscribers, oldest first."""
    known, items, after = subscriber_container("subscribers").subscribers, list[dict[str, Any]](), 0
    while len(items) < limit:
        some, more = known.list(limit=min(_PAGE, limit - len(items)), after=after, kind=kind, state=state)
        items += some
        if more is None:
            break
        after = more
    if as_json:
        print_json(items)
        return
    columns = ["external_id", "kind", "email", "name", "locale", "state"]
    print_lines(columns, [[str(item[column] or "") for column in columns] for item in items])


def show(external_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Show one subscriber."""
    _print(subscriber_container("subscribers").subscribers.get(external_id), as_json=as_json)


def remove(external_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Erase a subscriber's personal data; anonymous counts are kept. Imports skip them from then on; `add` does not."""
    subscriber_container("subscribers").subscribers.remove(external_id, operator())
    if as_json:
        print_json({"removed": external_id})
    else:
        out.print(f"{external_id} erased.", markup=False)


def _print(found: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(found)
