"""Strict JSON bodies of the API: each error names its dotted path and repeats no value."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from notifier.domain.errors import FieldError, InvalidInputError

MAX_ERRORS = 50  # in one response


class Body(BaseModel):
    """Rejects unknown keys and wrong types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def refused(sentence: str) -> PydanticCustomError:
    """Return what a field's check raises; callers see `sentence` as it is."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence})


def read_json(model: type[Model], data: bytes | str) -> Model:
    """Parse one JSON object.

    Raises:
        InvalidInputError: Names every field at fault; `body` if the JSON itself is invalid.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise InvalidInputError(faults_of(error)) from None


def faults_of(error: ValidationError) -> list[FieldError]:
    """Convert pydantic's errors."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [FieldError(_dotted(detail), detail["msg"]) for detail in details[:MAX_ERRORS]]


def _dotted(detail: ErrorDetails) -> str:
    return ".".join(str(part)[:100] for part in detail["loc"] if part != "[key]") or "body"
