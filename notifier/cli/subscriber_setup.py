"""What commands about subscribers begin with: a million rows leave no room for what words and sends messages."""

import getpass
import socket

from notifier.bootstrap.subscriber_container import SubscriberContainer
from notifier.cli.closing import close_at_end
from notifier.observability.logs import configure_logging
from notifier.services.security.audit import Actor
from notifier.settings import load_settings


def subscriber_container(process: str) -> SubscriberContainer:
    """Return the people of the installation, with a database that is ready; see `setup.installation`.

    Raises:
        ConfigError: names the variable or key at fault, or the command that brings the schema up to date.
    """
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process=process)
    found = SubscriberContainer(settings)
    close_at_end(found.close)
    found.ensure_schema()
    return found


def operator() -> Actor:
    """Who acts at the command line, for the audit trail."""
    return Actor(f"cli:{getpass.getuser()}", socket.gethostname())
