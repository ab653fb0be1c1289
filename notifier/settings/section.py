"""Building blocks of the sections of `notifier.toml`: a strict table and shared types of values."""

import re
from typing import Annotated

from babel import localedata
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from notifier.domain.values import Status
from notifier.settings.checks import one_line

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")


def _locale(tag: str) -> str:
    # CLDR's own list of file names; loads nothing. BCP 47 writes pt-BR, CLDR's files pt_BR.
    if "_" in tag or not localedata.exists(tag.replace("-", "_")):
        raise ValueError(f"{tag!r} is no locale; write a language tag such as nl or pt-BR")
    return tag


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(f"{text!r} must begin with a-z or 0-9 and hold only a-z, 0-9, _ and -")
    return text


Key = Annotated[str, AfterValidator(_key)]
Text = Annotated[str, Field(min_length=1), AfterValidator(one_line)]
LocaleTag = Annotated[str, AfterValidator(_locale)]
Localized = Annotated[dict[LocaleTag, Text], Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0, le=30 * 86_400, allow_inf_nan=False)]
# TOML has no enums: a value is a string, which strict mode would reject.
StatusName = Annotated[Status, Strict(strict=False)]


class Section(BaseModel):
    """A TOML table. Rejects unknown keys and wrong types; no message repeats a value."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
