"""Find the substitution tags in a request's texts, which need a value for every recipient."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_LETTER = r"[^\W\d]"
_DELIMITED = re.compile(r"(?P<before>\W+)(?P<stem>[^\W_]+_|)\w+(?P<after>\W+)")


def tags_of(request: dict[str, Any], objects: list[Any], leftover: re.Pattern[str]) -> frozenset[str]:
    """Return every tag in subject, content and reply_to.

    A tag is any recipient's substitution key, a word between the same delimiters as such a key, or
    a match of `leftover`.
    """
    text = "\0".join(_texts(request))
    keys: set[str] = set()
    for entry in objects:
        if isinstance(entry, dict) and isinstance(entry.get("substitutions"), dict):
            keys.update(entry["substitutions"])
    found = {key for key in keys if key and key in text}
    return frozenset(found.union(leftover.findall(text), _alike(frozenset(keys)).findall(text)))


def _texts(request: dict[str, Any]) -> Iterable[str]:
    parts, reply_to = request.get("content"), request.get("reply_to")
    texts = [request.get("subject")]
    texts += [part.get("value") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    texts += [reply_to.get("email"), reply_to.get("name")] if isinstance(reply_to, dict) else []
    return (text for text in texts if isinstance(text, str))


@lru_cache(maxsize=64)
def _alike(keys: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for separate words that look like these keys: not `-name-` in `a-name-b`.

    If all keys share a prefix up to an underscore (`-ntf_name-`, `-ntf_time-`), the pattern
    requires it.
    """
    shapes = {found.group("before", "stem", "after") for key in keys if (found := _DELIMITED.fullmatch(key))}
    if len({stem for _, stem, _ in shapes}) > 1:
        shapes = {(before, "", after) for before, _, after in shapes}
    words = [rf"{re.escape(before)}{stem or _LETTER}\w*{re.escape(after)}" for before, stem, after in sorted(shapes)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)" if words else r"(?!)")
