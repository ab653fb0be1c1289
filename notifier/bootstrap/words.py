"""The renderer of an installation."""

from notifier.bootstrap.core import Core
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir


def build_renderer(core: Core) -> Renderer:
    """Build the renderer; reads templates and catalogues as they are needed."""
    settings = core.settings
    brand, components = settings.brand(), settings.components()
    return Renderer(brand, components, settings.deployment.public_url, templates_dir(), locales_dir())
