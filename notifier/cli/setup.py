"""What every command begins with."""

from notifier.bootstrap.application import Application
from notifier.cli.closing import close_at_end
from notifier.observability.logs import configure_logging
from notifier.settings import load_settings


def application(process: str) -> Application:
    """Read the configuration and set logging up; what is opened is closed when the command ends.

    Raises:
        ConfigError: names the variable or key at fault.
    """
    settings = load_settings()
    deployment = settings.deployment
    configure_logging(deployment.log_level, deployment.log_format, process=process)
    found = Application(settings)
    close_at_end(found.close)
    return found


def installation(process: str) -> Application:
    """Return the installation with a database that is ready: an embedded one is made on first use.

    Raises:
        ConfigError: names the variable or key at fault, or the command that brings the schema up to date.
    """
    found = application(process)
    found.ensure_schema()
    return found
