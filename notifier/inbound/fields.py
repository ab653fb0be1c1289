"""Types of an event's values, for pydantic: strict, bounded, safe to store and to print.

Messages are complete sentences without the value: an error may be shown to someone who must not see
it.
"""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from notifier.domain.messages.comments import without_comments

# RFC 3339, section 5.6, as lenient as its parsers: a space for the T, an offset without colon, no
# seconds.
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)
_OFFSET = re.compile(r"([Zz]|[+-]\d{2}:?\d{2})$", re.ASCII)
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)  # the shape of BCP 47, as far as needed
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
# PostgreSQL cannot store NUL, and other control characters do not belong in prose.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAK = re.compile(r"[\t\n\r\x85\u2028\u2029]")
_FIRST_YEAR, _LAST_YEAR = 1990, 2200  # outside, converting between zones may fail


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence})


def _rfc3339(value: object) -> object:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise _refuse("must be a time such as 2022-06-21T08:36:00+02:00")
    if not _OFFSET.search(value):
        raise _refuse("must carry an offset such as +02:00 or Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        raise _refuse(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment.astimezone(UTC)


def _identifier(text: str) -> str:
    if not text.isprintable() or " " in text:
        raise _refuse("must hold printable characters only, and no blanks")
    if any(part in (".", "..") for part in text.split("/")):
        raise _refuse("must have no part that is . or .. alone: browsers would lead its links elsewhere")
    return text


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise _refuse("must be keyed by language tags such as nl or pt-BR")
    return text


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise _refuse("must begin with a-z or 0-9, hold only a-z, 0-9, _ and -, and have 64 characters at most")
    return text


def _readable(text: str) -> str:
    if not text.strip():
        raise _refuse("must not be empty")
    if _CONTROL.search(text):
        raise _refuse("must not hold control characters")
    if not without_comments(text).strip():
        raise _refuse("must hold more than a comment, which is never shown")
    return text


def _one_line(text: str) -> str:
    if _LINE_BREAK.search(text):
        raise _refuse("must be one line")
    return text


def _http_link(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise _refuse("must be an absolute http or https address")
    return text


Instant = Annotated[AwareDatetime, Strict(strict=False), BeforeValidator(_rfc3339), AfterValidator(_in_utc)]
Identifier = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_identifier)]
SourceName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_identifier)]
LocaleTag = Annotated[str, AfterValidator(_locale)]
ComponentKey = Annotated[str, AfterValidator(_key)]
Title = Annotated[str, Field(max_length=300), AfterValidator(_readable), AfterValidator(_one_line)]
Body = Annotated[str, Field(max_length=20_000), AfterValidator(_readable)]
Link = Annotated[str, Field(max_length=2000), AfterValidator(_http_link)]
