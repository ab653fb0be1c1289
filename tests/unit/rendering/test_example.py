import pytest

from notifier.rendering.example import an_example
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import (
    a_notice,
)


@pytest.mark.parametrize("locale", ["nl", "en", "de", "fr"])
def test_the_example_that_warms_a_worker_up_is_a_whole_mail_in_every_language(renderer: Renderer, locale: str) -> None:
    now = a_notice().created_at
    renderer.warm(now)
    mail = renderer.mail(an_example(now), locale=locale, since=0)
    assert "Example" in mail.content.subject
    assert (mail.content.locale, bool(mail.times("Europe/Amsterdam"))) == (locale, True)
