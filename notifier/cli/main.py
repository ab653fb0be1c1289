"""Command dispatch: a command's module is loaded only when used, so that workers start fast."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from sqlalchemy.exc import SQLAlchemyError

from notifier import __version__
from notifier.cli.closing import closing_at_end
from notifier.cli.output import EXIT_FAILED, EXIT_USAGE
from notifier.domain.errors import ConfigError, InvalidInputError, NotifierError
from notifier.storage.database.engine import first_line

# command -> module of this package with `register(app)`
_MODULES = {
    "up": "processes.up",
    "api": "processes.api",
    "worker": "processes.worker",
    "scheduler": "processes.scheduler",
    "demo": "processes.demo",
    "publish": "publishing.publish",
    "preview": "publishing.preview",
    "simulate": "publishing.simulate",
    "subscribers": "administration.subscribers",
    "endpoints": "administration.endpoints",
    "drafts": "publishing.drafts",
    "posts": "publishing.posts",
    "providers": "administration.providers",
    "incidents": "inspection.history",
    "deliveries": "inspection.history",
    "replay": "inspection.history",
    "notifications": "publishing.notifications",
    "explain": "inspection.explain",
    "closure": "inspection.closure",
    "audit": "inspection.audit",
    "doctor": "inspection.doctor",
    "canary": "inspection.canary",
    "db": "administration.database",
    "keys": "administration.keys",
}
_INTERRUPTED = 130
_HELP = "Notify merchants, followers and partners of incidents: one event, every channel, in each reader's language."


def _build(arguments: Sequence[str]) -> typer.Typer:
    """Return the program with the requested command, or with all commands."""
    app = typer.Typer(
        name="notifier",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_global_options)
    named = _MODULES.get(arguments[0]) if arguments else None
    for module in [named] if named else dict.fromkeys(_MODULES.values()):
        import_module(f"notifier.cli.{module}").register(app)
    return app


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer calls it with the flag
    if value:
        sys.stdout.write(f"notifier {__version__}\n")
        raise typer.Exit


def _global_options(
    version: bool = typer.Option(  # noqa: FBT001 - an option
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    del version


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0 done, 1 failed, 2 wrong usage, input or configuration."""
    os.umask(0o077)  # our files hold addresses and secrets
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors are one line on stderr, not a traceback."""
    try:
        with closing_at_end():
            code = _build(arguments)(args=list(arguments), prog_name="notifier", standalone_mode=False)
    except typer.TyperException as error:
        return _complain(" ".join(error.format_message().split()), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except NotifierError as error:
        wrong = isinstance(error, ConfigError | InvalidInputError)
        return _complain(str(error), EXIT_USAGE if wrong else EXIT_FAILED)
    except SQLAlchemyError as error:
        return _complain(f"database error: {first_line(error)}", EXIT_FAILED)
    except BrokenPipeError:
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"notifier: {message}\n")
    return code
