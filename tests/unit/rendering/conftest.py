import pytest

from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import a_renderer


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return a_renderer()
