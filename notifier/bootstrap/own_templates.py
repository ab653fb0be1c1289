"""Looking at an operator's templates when a process starts; loads nothing where there are none."""

from notifier.bootstrap.container import Container
from notifier.resources import templates_dir


def check_templates(container: Container) -> None:
    """Compile the operator's templates, where there are any.

    Raises:
        ConfigError: names file, line and fault.
    """
    own = container.settings.own_templates()
    if own is not None:
        from notifier.rendering.environment import check_own  # noqa: PLC0415 - loads Jinja

        check_own(templates_dir(), own)
