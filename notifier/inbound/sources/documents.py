"""Bodies of webhooks as plain values: JSON, form fields, or the query of a request without a body."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.inbound.bodies import faults_of
from notifier.inbound.sources.requests import InboundRequest

_MAX_FIELDS = 200
_MULTIPART, _URLENCODED = b"multipart/form-data", b"application/x-www-form-urlencoded"
# Files stay in memory, where the whole body is already.
_LIMITS = {"MAX_MEMORY_FILE_SIZE": 1 << 30}

Model = TypeVar("Model", bound=BaseModel)


def json_of(data: bytes | str) -> Any:
    """Parse JSON. It nests at most 200 levels deep, and has no number that is not finite.

    Raises:
        InvalidInputError: It is not JSON; the message says where.
    """
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInputError([FieldError("body", f"Invalid JSON: {error}")]) from None


def is_form(request: InboundRequest) -> bool:
    """Whether the body is form fields."""
    return _media_type(request)[0] in (_MULTIPART, _URLENCODED)


def form_of(request: InboundRequest) -> dict[str, str]:
    """Return the form fields of a body, without files; the last one of a name counts.

    Raises:
        InvalidInputError: The body is not in the form it is said to have.
    """
    kind, options = _media_type(request)
    try:
        if kind == _MULTIPART:
            return _multipart(request.body, options.get(b"boundary", b""))
        pairs = parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except (FormParserError, ValueError):
        fault = f"must be form fields, {_MAX_FIELDS} at most, as its Content-Type says"
        raise InvalidInputError([FieldError("body", fault)]) from None
    return dict(pairs)


def document_of(request: InboundRequest) -> Any:
    """Return what a request says: its JSON or its form fields; without a body, its query.

    Raises:
        InvalidInputError: The body is neither.
    """
    if is_form(request):
        return form_of(request)
    return json_of(request.body) if request.body.strip() else dict(request.query)


def validated(model: type[Model], document: Any, *, below: str = "") -> Model:
    """Read an object of another system. `below`: where it is in the body, for the names of fields at fault.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted paths.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = [FieldError(f"{below}{fault.field}", fault.message) for fault in faults_of(error)]
        raise InvalidInputError(faults) from None


def _media_type(request: InboundRequest) -> tuple[bytes, dict[bytes, bytes]]:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return kind.lower(), options


def _multipart(body: bytes, boundary: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    number = 0

    def keep(field: Field) -> None:
        nonlocal number
        number += 1
        if number > _MAX_FIELDS:
            raise FormParserError
        found[_decoded(field.field_name)] = _decoded(field.value)

    def drop(file: File) -> None:
        file.close()

    parser = FormParser("multipart/form-data", keep, drop, boundary=boundary, config=_LIMITS)
    parser.write(body)
    parser.finalize()
    return found


def _decoded(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
