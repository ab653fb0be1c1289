"""The public page of an incident, and what every page has."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from notifier.domain.values import Status
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.mail.outlines import outline
from tests.unit.rendering.samples import INCIDENT, LOCALES, MAINTENANCE, an_update

UPDATES = (an_update(1), an_update(2, status=Status.IDENTIFIED), an_update(3, status=Status.RESOLVED))


@pytest.mark.parametrize("locale", [*LOCALES, "ar"])
def test_the_timeline_is_whole_newest_first_with_anchors(renderer: Renderer, locale: str) -> None:
    html = renderer.incident_page(INCIDENT, UPDATES[::-1], locale=locale)
    assert re.findall(r'<li id="(upd-\d)">', html) == ["upd-3", "upd-2", "upd-1"]
    assert html.count('<time datetime="2022-06-21T06:') == 4
    assert 'datetime="2022-06-21T06:36:00Z"' in html


def test_the_anchor_is_the_one_that_posts_link_to(renderer: Renderer) -> None:
    html = renderer.incident_page(INCIDENT, [an_update(1, id="a b/c")], locale="en")
    assert 'id="upd-a%20b%2Fc"' in html


def test_times_are_the_houses_unless_another_zone_is_asked_for(renderer: Renderer) -> None:
    assert "21 juni 2022 08:36 CEST" in renderer.incident_page(INCIDENT, UPDATES, locale="nl")
    assert "07:36 BST" in renderer.incident_page(INCIDENT, UPDATES, locale="nl", timezone="Europe/London")


def test_a_maintenance_page_says_when(renderer: Renderer) -> None:
    html = renderer.incident_page(MAINTENANCE, [an_update(1, status=Status.SCHEDULED)], locale="en")
    assert "24 June 2022 08:34 CEST" in html
    assert ">The maintenance<" in html


def test_the_page_is_accessible_and_self_contained(renderer: Renderer) -> None:
    html = renderer.incident_page(INCIDENT, UPDATES, locale="nl")
    found = outline(html)
    assert found.headings.count("h1") == 1
    assert found.tags["html"][0]["lang"] == "nl"
    assert '<a class="skip" href="#main">Naar de inhoud</a>' in html
    assert '<main id="main"' in html
    assert not re.search(r"<(?:script|img|iframe)\b|@import|url\(|src=", html)
    assert re.findall(r'<link [^>]*rel="(\w+)"|<link rel="(\w+)"', html)
    assert {tag["hreflang"] for tag in found.tags["link"] if "hreflang" in tag} == set(LOCALES)


def test_a_page_speaks_the_readers_language_and_escapes(renderer: Renderer) -> None:
    html = renderer.page("message", "de", {"heading": "<b>Fertig</b>", "paragraphs": ["a & b"]})
    assert "<h1>&lt;b&gt;Fertig&lt;/b&gt;</h1>" in html
    assert "<p>a &amp; b</p>" in html
    assert "Zum Inhalt" in html


def test_a_name_that_a_page_lacks_is_an_error_not_a_gap(renderer: Renderer) -> None:
    with pytest.raises(UndefinedError):
        renderer.page("message", "de", {"heading": "x"})


def test_the_style_sheet_has_one_hash_for_all_pages(renderer: Renderer) -> None:
    for html in (
        renderer.page("message", "ar", {"heading": "x", "paragraphs": []}),
        renderer.incident_page(INCIDENT, UPDATES, locale="nl"),
    ):
        style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert renderer.style_source() == f"'sha256-{digest}'"


def test_pages_may_format_times_and_texts(renderer: Renderer) -> None:
    environment = renderer._templates._environment
    context = {
        "reader": renderer._languages["nl"], "timezone": ZoneInfo("Europe/Amsterdam"),
        "default_locale": "en", "at": datetime(2022, 6, 21, 6, 36, tzinfo=UTC), "texts": {"nl": "ja", "en": "yes"},
    }  # fmt: skip
    template = environment.from_string(
        "{{ at|day }}, {{ at|clock }}, {{ at|iso }}, {{ texts|in_language }}, {{ '*x*'|markdown }}"
    )
    assert template.render(context) == "21 juni 2022, 08:36, 2022-06-21T06:36:00Z, ja, <p><em>x</em></p>"


def test_a_template_cannot_reach_out_of_its_sandbox(renderer: Renderer) -> None:
    environment = renderer._templates._environment
    source = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(SecurityError):
        environment.from_string(source).render(reader=renderer._languages["en"])
