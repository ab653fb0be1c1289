"""Values as senders write them: null is absent, numbers may be texts, words come in any case."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from notifier.inbound.bodies import refused
from notifier.inbound.integrations import Lenient

_FIRST_YEAR, _LAST_YEAR = 1990, 2200  # senders write years such as 0001 for "no time"
_LONGEST = 40
_SECONDS = 100_000_000_000  # a greater Unix time is in milliseconds, or in still smaller units
_FAULT = "must be a time such as 2026-08-01T09:57:30Z, or Unix time"


class Foreign(Lenient):
    """An object of another system, in which null means absent."""

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        return {key: item for key, item in data.items() if item is not None} if isinstance(data, dict) else data


def text_of(value: object) -> object:
    """Return a number or a truth value as text; anything else as it is."""
    return str(value).lower() if isinstance(value, int | float) else value


def _word(value: object) -> object:
    text = text_of(value)
    return text.strip().lower() if isinstance(text, str) else text


def moment_of(value: object) -> datetime | None:
    """Return a time in UTC; None where it is empty or means "no time".

    Takes RFC 3339, also with a space or without a zone (UTC), and Unix time in seconds, milli-, micro- or nanoseconds,
    each also as text.

    Raises:
        PydanticCustomError: It is no time.
    """
    text = str(text_of(value)).strip()
    if not text:
        return None
    if len(text) > _LONGEST:
        raise refused(_FAULT)
    try:
        moment = _since_1970(float(text)) if _is_number(text) else datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        raise refused(_FAULT) from None
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _since_1970(seconds: float) -> datetime:
    while seconds > _SECONDS:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC)


Text = Annotated[str, BeforeValidator(text_of)]
Word = Annotated[str, BeforeValidator(_word)]
Moment = Annotated[datetime | None, BeforeValidator(moment_of)]
