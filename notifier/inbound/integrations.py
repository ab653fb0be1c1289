"""Shared by the integrations: lenient parsing, text as plain text, ids that cannot collide."""

import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.messages.brand import Component
from notifier.domain.messages.characters import cleaned
from notifier.domain.messages.comments import without_comments
from notifier.domain.proposals.source_rules import SOURCE_NAME, SOURCE_NAME_FAULT
from notifier.inbound.bodies import faults_of

MAX_TITLE, MAX_BODY = 300, 20_000  # as `inbound/fields.py` limits our own events
MAX_COMPONENTS = 200
_MAX_DETAIL, _MAX_LINK = 2_000, 2_000
_BLANKS = re.compile(r"\s+")
# Markdown's inline markup (CommonMark 0.31.2, chapter 6). An underscore counts only at the edge of
# a word, an ampersand only before an entity's name.
_INLINE = re.compile(r"[\\`*\[\]<~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
# What would start a block at the start of a line (chapters 4 and 5): heading, list, quote,
# underline.
_BLOCK = re.compile(r"([#+=>-])|(\d{1,9})([.)])", re.ASCII)
_NO_KEY = re.compile(r"[^a-z0-9]+")
_KEY_LENGTH = 64
CUT = " \N{HORIZONTAL ELLIPSIS}"  # marks a truncated text

Model = TypeVar("Model", bound=BaseModel)


class Lenient(BaseModel):
    """An object of another system: ignores unknown fields, since senders differ in version."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def check_source(name: str) -> str:
    """Return a source's name if it is valid; it becomes part of ids and labels.

    Raises:
        InvalidInputError: It is not valid.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise InvalidInputError([FieldError("source", SOURCE_NAME_FAULT)])
    return name


def read(model: type[Model], data: bytes) -> Model:
    """Parse a JSON object of another system.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted paths.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInputError(faults_of(error)) from None


def one_line(text: str, limit: int = MAX_TITLE) -> str:
    """Return a title: one line without control characters, truncated with an ellipsis at `limit`."""
    line = _BLANKS.sub(" ", without_comments(cleaned(text))).strip()
    return line if len(line) <= limit else line[: limit - len(CUT)].rstrip() + CUT


def plain_detail(text: str) -> str:
    """Return a text for operators: no control characters, blank lines at its ends gone, truncated."""
    return cleaned(text[:_MAX_DETAIL]).strip()


def as_markdown(text: str, limit: int = MAX_BODY) -> str:
    """Return plain text escaped as Markdown: nothing becomes markup, and line breaks stay.

    A text that is too long is truncated with an ellipsis. Bare http and https URLs still become
    links when the body is rendered, as in any text.
    """
    # Drop what rendering drops: otherwise a mark after it could end up at the start of a line.
    plain = without_comments(cleaned(text[:limit])).strip()
    paragraphs = re.split(r"\n[ \t]*\n\s*", plain)
    mark = CUT if len(text) > limit else ""
    while True:
        lines = ([escaped_line(line.strip()) for line in part.split("\n")] for part in paragraphs)
        written = "\n\n".join("\\\n".join(part) for part in lines)
        if len(written) + len(mark) <= limit:
            return written + mark
        paragraphs, mark = _halved(paragraphs), CUT


def escaped_line(line: str) -> str:
    """Return a line of plain text as Markdown in which nothing is markup."""
    escaped = _INLINE.sub(r"\\\g<0>", line)
    found = _BLOCK.match(escaped)
    if found is None:
        return escaped
    start = f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}"
    return start + escaped[found.end() :]


def _halved(paragraphs: Sequence[str]) -> list[str]:
    """Drop the second half: escaping made the text too long, as only hostile texts do."""
    if len(paragraphs) > 1:
        return list(paragraphs[: len(paragraphs) // 2])
    return [paragraphs[0][: len(paragraphs[0]) // 2]]


def web_link(url: str) -> str | None:
    """Return an http or https address if it is usable as a link; None otherwise."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return url if usable and url.isprintable() and " " not in url and len(url) <= _MAX_LINK else None


class ComponentNames:
    """Finds a component by its key or its name in any language."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._keys = {
            slug(name): component.key for component in components for name in (component.key, *component.name.values())
        }

    def known(self, *names: str | None) -> str | None:
        """Return our key for the first known name."""
        found = (self._keys.get(slug(name)) for name in names if name)
        return next((key for key in found if key), None)

    def key(self, *names: str | None) -> str | None:
        """Return our key for the first known name; None if none is known.

        If no components are configured, any key is accepted: one made from the first usable name.
        """
        made = (slug(name) for name in names if name and not self._keys)
        return self.known(*names) or next((key for key in made if key), None)


def slug(name: str) -> str:
    """Return a name in the form of component keys: `Amsterdam (AMS)` becomes `amsterdam-ams`."""
    return _NO_KEY.sub("-", name.casefold()).strip("-")[:_KEY_LENGTH].strip("-")
