"""What the processes without an API begin with: no more than they need."""

from typer._click.globals import get_current_context  # typer brings its own click, and names this nowhere else

from notifier.bootstrap.core import Core
from notifier.observability.logs import configure_logging
from notifier.settings import load_settings


def core(process: str) -> Core:
    """Read the configuration and set logging up.

    Raises:
        ConfigError: names the variable or key at fault.
    """
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process=process)
    found = Core(settings)
    get_current_context().call_on_close(found.close)
    return found
