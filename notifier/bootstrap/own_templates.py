"""Check an operator's templates at start; loads nothing if there are none."""

from notifier.bootstrap.container import Container
from notifier.resources import templates_dir


def check_templates(container: Container) -> None:
    """Compile the operator's templates, if any.

    Raises:
        ConfigError: Names file, line and fault.
    """
    own = container.settings.own_templates()
    if own is not None:
        from notifier.rendering.environment import check_own  # noqa: PLC0415 - loads Jinja

        check_own(templates_dir(), own)
