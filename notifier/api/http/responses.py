"""JSON answers written by orjson, without validation by a model."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response


def json_answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON data."""
    return Response(orjson.dumps(data), status_code=status, media_type="application/json", headers=dict(headers or {}))
