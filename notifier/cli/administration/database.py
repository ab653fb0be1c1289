"""`notifier db`: the schema, and what the ledger forgets."""

from typing import Annotated

import typer

from notifier.cli.console import JsonFlag, out, print_json, print_table
from notifier.cli.setup import application
from notifier.storage.schema import migrate, version


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The database: its schema, and what is old in it.", no_args_is_help=True)
    group.command()(upgrade)
    group.command()(status)
    group.command()(prune)
    app.add_typer(group, name="db")


def upgrade(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Bring the schema up to date; safe to run at any time, by several processes at once."""
    notifier = application("db")
    notifier.migrate()
    found = migrate.current(notifier.database)
    if as_json:
        print_json({"revision": found})
    else:
        out.print(f"The schema is at revision {found}.")


def status(
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
    check: Annotated[bool, typer.Option("--check", help="Fail when something is missing.")] = False,  # noqa: FBT002
) -> None:
    """Say which revision the database is at, and which one this version needs."""
    notifier = application("db")
    with notifier.database.read() as connection:
        found = version.state(connection)
    lacking = migrate.faults(notifier.database)
    if as_json:
        print_json({"revision": found.revision, "needed": version.HEAD, "lacking": lacking})
    else:
        out.print(f"The schema is at revision {found.revision or 'none'}; this version needs {version.HEAD}.")
        if lacking:
            out.print(f"But {version.say_faults(lacking)}.", markup=False)
    if check and (lacking or not found.is_fit):
        raise typer.Exit(1)


def prune(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Remove what is older than `[retention]` says; numbers per notification stay. The scheduler does it daily."""
    removed = application("db").prune.all()
    if as_json:
        print_json({"removed": removed})
    elif removed:
        print_table("Removed", ("kind", "rows"), sorted(removed.items()))
    else:
        out.print("Nothing is old enough to be removed.")
