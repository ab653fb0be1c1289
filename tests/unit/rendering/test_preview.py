"""What `notifier preview` shows."""

import pytest

from notifier.rendering.preview import PreviewChannel
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import LOCALES, a_notice


@pytest.mark.parametrize("locale", LOCALES)
def test_a_mail_is_shown_as_its_reader_gets_it(renderer: Renderer, locale: str) -> None:
    preview = renderer.preview(a_notice(), PreviewChannel.EMAIL, locale, "Europe/London")
    assert preview.subject
    assert preview.text
    assert preview.html
    assert "-ntf" not in preview.text + preview.html
    assert "07:36 BST" in preview.text
    assert preview.data
    assert preview.data["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("channel", [PreviewChannel.X, PreviewChannel.MASTODON, PreviewChannel.BLUESKY])
def test_a_post_is_shown_with_its_length(renderer: Renderer, channel: PreviewChannel) -> None:
    preview = renderer.preview(a_notice(), channel, "nl", "UTC")
    assert preview.data
    assert preview.text == preview.data["text"]
    assert 0 < preview.data["length"] <= preview.data["limit"]


def test_a_webhook_is_shown_as_json(renderer: Renderer) -> None:
    preview = renderer.preview(a_notice(), PreviewChannel.WEBHOOK, "nl", "UTC")
    assert preview.data
    assert preview.data["type"] == "incident.created"
    assert preview.text
    assert preview.text.startswith("{\n")
