"""What every command begins with."""

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.closing import close_at_end
from notifier.observability.logs import configure_logging
from notifier.settings import load_settings


def container(process: str) -> ApiContainer:
    """Read the configuration and set logging up; what is opened is closed when the command ends.

    Raises:
        ConfigError: names the variable or key at fault.
    """
    settings = load_settings()
    deployment = settings.deployment
    configure_logging(deployment.log_level, deployment.log_format, process=process)
    found = ApiContainer(settings)
    close_at_end(found.close)
    return found


def installation(process: str) -> ApiContainer:
    """Return the installation with a database that is ready: an embedded one is made on first use.

    Raises:
        ConfigError: names the variable or key at fault, or the command that brings the schema up to date.
    """
    found = container(process)
    found.ensure_schema()
    return found
