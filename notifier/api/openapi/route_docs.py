"""Helpers to document a route: the bodies it reads and the answers it gives."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

Item = TypeVar("Item")
Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS = {200: "Done.", 201: "Created.", 202: "Stored; processing continues in the background."}


def refuses(descriptions: Mapping[int, str]) -> Responses:
    """Document additional errors of a route: status -> when."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": description, "content": content} for status, description in descriptions.items()}


MAY_MISS: Responses = refuses({404: "Something named in the body was not found."})
"""For routes whose body refers to other objects."""


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


def returns(status: int, model: Any, description: str | None = None) -> Responses:
    """Document a route's successful answer."""
    return {status: {"model": model, "description": description or _DESCRIPTIONS[status]}}


def returns_page(model: Any) -> Responses:
    """Document a page of a list."""
    return returns(200, Page[model], "One page.")


def body_of(model: type[BaseModel], example: Any = None) -> dict[str, Any]:
    """Document the JSON body of a route that reads raw bytes; `document.py` adds its schema."""
    media: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    if example is not None:
        media["example"] = example
    return raw_body({"application/json": media})


def raw_body(content: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Document a body that is not JSON: media type -> schema and example."""
    return {"requestBody": {"required": True, "content": content}}
