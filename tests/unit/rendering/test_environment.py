"""Templates of an operator's own: laid over ours, kept in their sandbox, and no reason for news to wait."""

import logging
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.rendering.environment import check_own
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from tests.unit.rendering.samples import BRAND, COMPONENTS, a_notice

OPENED = "incident_opened/email.body.txt"


def renderer_with(own: Path, *, strict: bool) -> Renderer:
    return Renderer(
        BRAND, COMPONENTS, "https://status.example", templates_dir(), locales_dir(), own_templates=own, strict=strict
    )


def written(folder: Path, source: str, name: str = OPENED) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return folder


def text_of(own: Path, *, strict: bool = True) -> str:
    return renderer_with(own, strict=strict).mail(a_notice(), locale="en", since=0).content.text


def test_an_own_file_stands_in_for_ours_and_can_build_on_it(tmp_path: Path) -> None:
    source = (
        '{% extends "bundled/incident_opened/email.body.txt" %}{% block intro %}Dear {{ brand }} shop!{% endblock %}'
    )
    told = text_of(written(tmp_path, source))
    assert "Dear MyOnlineStore shop!" in told
    assert "Unsubscribe" in told
    assert "Dear" not in renderer_with(tmp_path, strict=True).mail(a_notice(), locale="en", since=0).content.html


FAULTS = [
    ("{% if %}", "line 1: Expected an expression"),
    ("{{ nothing_like_this }}", "line 1: 'nothing_like_this' is undefined"),
    ("\n{{ 1 / 0 }}", "line 2: division by zero"),
    ("{{ brand + 1 }}", "line 1: "),
    ('{% include "no/such.txt" %}', "there is no template 'no/such.txt'"),
    ("{{ brand.__class__.__mro__ }}", "is not allowed in a template: access to attribute '__class__'"),
    ("{{ lead.__init__.__globals__ }}", "is not allowed in a template: "),
    ("{{ components.append(1) }}", "is not allowed in a template: "),
    ("{% for n in range(10 ** 9) %}{% endfor %}", "line 1: Range too big"),
]


@pytest.mark.parametrize(("source", "fault"), FAULTS)
def test_a_fault_is_named_by_file_line_and_what_it_is(tmp_path: Path, source: str, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        text_of(written(tmp_path, source))
    assert error.value.field == "brand.templates"
    assert error.value.message.startswith(OPENED)
    assert fault in error.value.message
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", [source for source, _ in FAULTS])
def test_a_worker_words_the_message_by_our_template_and_says_so_once(
    tmp_path: Path, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    own = written(tmp_path, source)
    ours = Renderer(BRAND, COMPONENTS, "https://status.example", templates_dir(), locales_dir())
    expected = ours.mail(a_notice(), locale="en", since=0).content.text
    renderer = renderer_with(own, strict=False)
    with caplog.at_level(logging.ERROR):
        for subject in ("one", "another"):  # each is rendered anew
            assert renderer.mail(a_notice(), locale="en", since=0, subject=subject).content.text == expected
    assert [record.message for record in caplog.records] == ["custom_template_failed"]


def test_everything_is_compiled_before_anything_is_sent(tmp_path: Path) -> None:
    check_own(templates_dir(), written(tmp_path, "fine"))
    written(tmp_path, "{% block %}", "_base/email.css")
    with pytest.raises(ConfigError, match=r"_base/email\.css, line 1"):
        check_own(templates_dir(), tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        check_own(templates_dir(), tmp_path / "nowhere")
