"""The setup that every command begins with."""

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.closing import close_at_end
from notifier.observability.logs import configure_logging
from notifier.settings import load_settings


def container(process: str) -> ApiContainer:
    """Read the configuration and set up logging; close everything when the command ends.

    Raises:
        ConfigError: Names the invalid variable or key.
    """
    settings = load_settings()
    deployment = settings.deployment
    configure_logging(deployment.log_level, deployment.log_format, process=process)
    found = ApiContainer(settings)
    close_at_end(found.close)
    return found


def installation(process: str) -> ApiContainer:
    """Return the installation with its database ready; an embedded one is created on first use.

    Raises:
        ConfigError: Names the invalid variable or key, or the command that upgrades the schema.
    """
    found = container(process)
    found.ensure_schema()
    return found
