from html import escape

import pytest
from hypothesis import given

from notifier.channels.social.mastodon_text import is_same_status, text_of
from tests.unit.channels.social.test_x_text import WORDS


@given(WORDS)
def test_a_status_reads_as_it_was_written(text: str) -> None:
    assert is_same_status(text, f"<p>{escape(text)}</p>")


def test_links_paragraphs_and_breaks_of_a_real_instance_are_read() -> None:
    content = (
        '<p>Störung &amp; Ausfall<br />Mehr: <a href="https://status.shop.example/de/incidents/1" target="_blank">'
        '<span class="invisible">https://</span><span class="ellipsis">status.shop.example/de/inc</span>'
        '<span class="invisible">idents/1</span></a></p><p><a href="https://m.example/tags/St" class="mention hashtag">'
        "#<span>Störung</span></a></p>"
    )
    assert is_same_status("Störung & Ausfall\nMehr: https://status.shop.example/de/incidents/1\n\n#Störung", content)
    assert not is_same_status("Störung", content)


@pytest.mark.parametrize("content", ["", "<p>", "<<>>", "a < b", "<!-- x", "&unknown;"])
def test_markup_of_any_kind_is_survived(content: str) -> None:
    assert isinstance(text_of(content), str)
