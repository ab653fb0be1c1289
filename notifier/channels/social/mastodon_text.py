"""Convert a status's HTML back to the text it was made from."""

import re
import unicodedata
from html.parser import HTMLParser

_BLANK = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u200b\u2060]")  # we insert them, and platforms may remove them
_BREAKS = frozenset({"br", "p"})


class _Text(HTMLParser):
    """Collects text. Keeps links whole: the markup contains the parts hidden from readers too."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(content: str) -> str:
    """Return the text of a status's `content`."""
    parser = _Text()
    parser.feed(content)
    parser.close()
    return "".join(parser.parts)


def is_same_status(text: str, content: str) -> bool:
    """Whether a status's `content` has this text, compared after NFC and whitespace folding."""
    return _plain(text_of(content)) == _plain(text)


def _plain(text: str) -> str:
    return _BLANK.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text))).strip()
