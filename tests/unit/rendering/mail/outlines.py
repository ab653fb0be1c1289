"""What a mail holds, read as its reader would."""

import re
from html.parser import HTMLParser

from notifier.domain.incidents.notice import Notice
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import (
    a_recipient,
    as_received,
)


class Outline(HTMLParser):
    """What a screen reader goes by: headings, links, images, the root's attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.links: list[str] = []
        self.tags: dict[str, list[dict[str, str | None]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, []).append(dict(attrs))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    return parser


def received(
    renderer: Renderer, notice: Notice, locale: str, since: int = 0, **changes: object
) -> tuple[str, str, str]:
    mail = renderer.mail(notice, locale=locale, since=since)
    return as_received(mail.content, a_recipient(renderer, mail, **changes))
