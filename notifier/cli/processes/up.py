"""`notifier up`: the whole system on this machine."""

import typer

from notifier.bootstrap.own_templates import check_templates
from notifier.cli.processes.listening import DEFAULT_PORT, Host, Port
from notifier.cli.setup import container
from notifier.supervise.up import Programs, run_up


def load_shared() -> None:
    """Preload what the children need, including imports they would do on first use."""
    from notifier.bootstrap import hooks, mail, posts  # noqa: F401, PLC0415 - loaded once, for the children
    from notifier.sandbox import server  # noqa: F401, PLC0415 - loaded once, for the children


PROGRAMS = Programs(product="notifier", sandbox="notifier.sandbox", load=load_shared)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


def up(host: Host = "127.0.0.1", port: Port = DEFAULT_PORT) -> None:
    """Run the whole system on this machine: API, workers, scheduler; Redis and sandbox if none is configured."""
    notifier = container("up")
    check_templates(notifier)

    def prepare() -> None:
        notifier.migrate()
        notifier.key_ring.check()
        notifier.database.close()  # children are forked next, and connections must not be shared

    raise typer.Exit(run_up(notifier.settings, host=host, port=port, migrate=prepare, programs=PROGRAMS))
