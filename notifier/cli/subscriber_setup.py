"""The setup of commands about subscribers: without rendering and sending, to save memory."""

import getpass
import socket

from notifier.bootstrap.subscriber_container import SubscriberContainer
from notifier.cli.closing import close_at_end
from notifier.observability.logs import configure_logging
from notifier.services.security.audit import Actor
from notifier.settings import load_settings


def subscriber_container(process: str) -> SubscriberContainer:
    """Return the installation's subscribers, with its database ready; see `setup.installation`.

    Raises:
        ConfigError: Names the invalid variable or key, or the command that upgrades the schema.
    """
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process=process)
    found = SubscriberContainer(settings)
    close_at_end(found.close)
    found.ensure_schema()
    return found


def operator() -> Actor:
    """Return the actor for the audit trail: the command line."""
    return Actor(f"cli:{getpass.getuser()}", socket.gethostname())
