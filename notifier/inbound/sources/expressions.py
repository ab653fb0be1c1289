"""JMESPath expressions of the configuration, applied to hostile bodies.

The expressions are the operator's, the bodies anybody's. An expression sees only parts of the body, each of its steps
once, so its cost is in proportion to the body, whose size and depth are limited before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jmespath
from pydantic_core import PydanticCustomError

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.inbound.sources.values import moment_of, text_of

_MAX_NAMES = 200
_NOTHING = "finds nothing in this body: check the expression in notifier.toml"


def without_marks(document: Any) -> Any:
    """Return a document in which variables that the sender did not replace are absent.

    UptimeRobot leaves `*name*` for a variable that does not apply, Datadog and others `$NAME`.
    """
    if isinstance(document, dict):
        return {key: without_marks(value) for key, value in document.items()}
    if isinstance(document, list):
        return [without_marks(item) for item in document]
    return None if isinstance(document, str) and _is_mark(document.strip()) else document


def _is_mark(text: str) -> bool:
    if text.startswith("$"):
        return text[1:].strip("{}").isidentifier()
    return len(text) > 1 and text[0] == text[-1] == "*" and text[1:-1].isidentifier()


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the expressions of a source find in one document. `place`: how the fields are named in refusals."""

    expressions: Mapping[str, str]
    document: Any
    place: str = field(default="fields", kw_only=True)

    def text(self, name: str) -> str:
        """Return a text, or a number as text; empty where nothing is found."""
        found = text_of(self._found(name))
        return found.strip() if isinstance(found, str) else ""

    def required(self, name: str) -> str:
        """Return a text that must be there.

        Raises:
            InvalidInputError: It is not.
        """
        if found := self.text(name):
            return found
        raise InvalidInputError([FieldError(f"{self.place}.{name}", _NOTHING)])

    def names(self, name: str) -> tuple[str, ...]:
        """Return a text, or the texts of a list."""
        found = self._found(name)
        if not isinstance(found, list):
            one = self.text(name)
            return (one,) if one else ()
        return tuple(item.strip() for item in found[:_MAX_NAMES] if isinstance(item, str) and item.strip())

    def moment(self, name: str) -> datetime | None:
        """Return a time; None where nothing is found.

        Raises:
            InvalidInputError: It is not a time.
        """
        try:
            return moment_of(self.text(name))
        except PydanticCustomError as error:
            raise InvalidInputError([FieldError(f"{self.place}.{name}", error.message())]) from None

    def _found(self, name: str) -> Any:
        expression = self.expressions.get(name)
        if expression is None:
            return None
        try:
            return jmespath.search(expression, self.document)
        except (ValueError, ArithmeticError):  # a function of the expression does not take what the body has there
            return None
