"""What every command begins with."""

import getpass
import socket

from notifier.bootstrap.application import Application
from notifier.domain.errors import NotifierError
from notifier.observability.logs import configure_logging
from notifier.services.audit import Actor
from notifier.settings import load_settings


def application(process: str) -> Application:
    """Read the configuration and set logging up.

    Raises:
        ConfigError: names the variable or key at fault.
    """
    settings = load_settings()
    deployment = settings.deployment
    configure_logging(deployment.log_level, deployment.log_format, process=process)
    return Application(settings)


def installation(process: str) -> Application:
    """Return the installation with a database that is ready: an embedded one is made on first use.

    Raises:
        ConfigError: names the variable or key at fault, or the command that brings the schema up to date.
    """
    found = application(process)
    try:
        found.ensure_schema()
    except NotifierError:
        found.close()
        raise
    return found


def operator() -> Actor:
    """Who acts at the command line, for the audit trail."""
    return Actor(f"cli:{getpass.getuser()}", socket.gethostname())
