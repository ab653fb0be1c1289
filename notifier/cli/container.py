"""The minimal setup for processes without an API."""

from notifier.bootstrap.container import Container
from notifier.cli.closing import close_at_end
from notifier.domain.errors import UnavailableError
from notifier.observability import configure_logging, get_logger
from notifier.settings import load_settings

_log = get_logger(__name__)


def container(process: str) -> Container:
    """Read the configuration, set up logging, check schema and keys.

    If the database is down, continue without the check.

    Raises:
        ConfigError: Names the invalid variable or key, or the problem with the schema or the keys.
    """
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process=process)
    found = Container(settings)
    close_at_end(found.close)
    try:
        found.ensure_ready()
    except UnavailableError as error:
        _log.warning("database_unavailable", error=str(error))
    return found
