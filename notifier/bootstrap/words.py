"""The renderer of an installation."""

from notifier.bootstrap.container import Container
from notifier.domain.messages.message import Picture
from notifier.rendering.cards.card_words import CardWords
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir


def build_renderer(container: Container, *, strict: bool = False) -> Renderer:
    """Build the renderer; it reads templates and catalogues when needed.

    `strict`: a faulty operator template raises ConfigError when used.
    """
    settings = container.settings
    return Renderer(
        settings.brand(),
        settings.components(),
        settings.deployment.public_url,
        templates_dir(),
        locales_dir(),
        own_templates=settings.own_templates(),
        strict=strict,
    )


def paint_card(words: CardWords) -> Picture | None:
    """Draw a card; the drawing library is loaded with the first one."""
    from notifier.rendering.cards.drawing import paint  # noqa: PLC0415 - loads Pillow

    return paint(words)
