"""`notifier db`: schema migrations and retention."""

from typing import Annotated

import typer

from notifier.cli.output import JsonFlag, out, print_json, print_table
from notifier.cli.setup import container
from notifier.storage.schema import migrate, version


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Manage the database: schema and retention.", no_args_is_help=True)
    group.command()(upgrade)
    group.command()(status)
    group.command()(prune)
    app.add_typer(group, name="db")


def upgrade(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Upgrade the schema to the latest revision. Safe to run at any time, also concurrently."""
    notifier = container("db")
    notifier.migrate()
    found = migrate.current(notifier.database)
    if as_json:
        print_json({"revision": found})
    else:
        out.print(f"The schema is at revision {found}.")


def status(
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if the schema is incomplete.")] = False,  # noqa: FBT002
) -> None:
    """Show the schema revision of the database and the one this version needs."""
    notifier = container("db")
    with notifier.database.read() as connection:
        found = version.state(connection)
    lacking = migrate.faults(notifier.database)
    if as_json:
        print_json({"revision": found.revision, "needed": version.HEAD, "lacking": lacking})
    else:
        out.print(f"The schema is at revision {found.revision or 'none'}; this version needs {version.HEAD}.")
        if lacking:
            out.print(f"Problem: {version.describe_faults(lacking)}.", markup=False)
    if check and (lacking or not found.is_fit):
        raise typer.Exit(1)


def prune(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Delete data older than `[retention]`; counts per notification are kept. The scheduler does this daily."""
    removed = container("db").prune.all()
    if as_json:
        print_json({"removed": removed})
    elif removed:
        print_table("Removed", ("kind", "rows"), sorted(removed.items()))
    else:
        out.print("Nothing to remove.")
