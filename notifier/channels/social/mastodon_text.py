"""Reading a status back: its HTML as the text it was made from."""

import re
import unicodedata
from html.parser import HTMLParser

_BLANK = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u200b\u2060]")  # we put them in, and platforms may take them out
_BREAKS = frozenset({"br", "p"})


class _Text(HTMLParser):
    """Collects text. Links are kept whole: the parts a reader does not see are in the markup all the same."""

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
    """Return the text of a status' `content`."""
    parser = _Text()
    parser.feed(content)
    parser.close()
    return "".join(parser.parts)


def is_same_status(text: str, content: str) -> bool:
    """Whether a status' `content` was made from this text: compared after NFC and folding of white space."""
    return _plain(text_of(content)) == _plain(text)


def _plain(text: str) -> str:
    return _BLANK.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text))).strip()
