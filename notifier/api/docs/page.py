"""`/docs`: every call with its parameters, body, answers and examples; works without JavaScript."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from notifier.rendering.text import markdown

Json = dict[str, Any]
_FOLDER = Path(__file__).parent
_METHODS = ("get", "post", "patch", "put", "delete", "options")
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
_TEXT_LIMIT = 100_000


def install(app: FastAPI) -> None:
    """Serve the page and its style sheet."""
    app.add_api_route("/docs", _page, include_in_schema=False)
    app.add_api_route("/docs/style.css", _style, include_in_schema=False)


def _page(request: Request) -> Response:
    html = render(request.app.openapi())
    return Response(html, media_type="text/html; charset=utf-8", headers=_HEADERS)


async def _style() -> Response:
    return Response(_style_sheet(), media_type="text/css; charset=utf-8", headers=_HEADERS)


@cache
def _style_sheet() -> str:
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": _prose, "pretty": _pretty, "type": type_of}
    return environment


def render(document: Json) -> str:
    """Render an OpenAPI document as HTML."""
    reader = _Reader(document)
    return (
        _environment()
        .get_template("page.html")
        .render(
            info=document["info"],
            schemes=document["components"].get("securitySchemes", {}),
            groups=reader.groups(document["paths"]),
            webhooks=[reader.call("post", name, item["post"]) for name, item in document.get("webhooks", {}).items()],
            schemas={
                name: reader.members(schema) for name, schema in sorted(document["components"]["schemas"].items())
            },
            described={
                name: schema.get("description", "") for name, schema in document["components"]["schemas"].items()
            },
        )
    )


class _Reader:
    """Extracts from the document what the page shows."""

    def __init__(self, document: Json) -> None:
        self._components = document["components"]

    def groups(self, paths: Json) -> dict[str, list[Json]]:
        """Return the calls by their first tag, in order."""
        found: dict[str, list[Json]] = {}
        for path, item in paths.items():
            for method in _METHODS:
                if method in item:
                    call = self.call(method, path, item[method])
                    found.setdefault(call["tag"], []).append(call)
        return found

    def call(self, method: str, path: str, operation: Json) -> Json:
        """Return one call for the template."""
        return {
            "tag": (operation.get("tags") or ["other"])[0],
            "method": method.upper(),
            "path": path,
            "anchor": operation.get("operationId", path),
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "needs_key": bool(operation.get("security")),
            "parameters": [
                {"required": False, "description": "", **parameter} for parameter in operation.get("parameters", [])
            ],
            "bodies": self._contents(operation.get("requestBody", {})),
            "answers": [self._answer(status, answer) for status, answer in operation.get("responses", {}).items()],
        }

    def _answer(self, status: str, answer: Json) -> Json:
        if "$ref" in answer:
            answer = self._components["responses"][answer["$ref"].rpartition("/")[2]]
        return {
            "status": status,
            "description": answer.get("description", ""),
            "contents": self._contents(answer),
        }

    @staticmethod
    def _contents(holder: Json) -> list[Json]:
        return [
            {"media": media, "schema": content.get("schema", {}), "example": content.get("example")}
            for media, content in holder.get("content", {}).items()
        ]

    @staticmethod
    def members(schema: Json) -> list[Json]:
        """Return the members of an object, or the values of an enumeration."""
        required = set(schema.get("required", []))
        return [
            {
                "name": name,
                "schema": member,
                "required": name in required,
                "description": member.get("description", ""),
                "example": next(iter(member.get("examples", [])), None),
            }
            for name, member in schema.get("properties", {}).items()
        ] or [
            {"name": str(word), "schema": {}, "required": False, "description": "", "example": None}
            for word in schema.get("enum", [])
        ]


def type_of(schema: Json) -> Markup:
    """Name a schema's type in a few words; names of other schemas become links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return Markup(" or ").join(type_of(part) for part in schema[key])
    if "enum" in schema or "const" in schema:
        return Markup(" | ").join(
            Markup("<code>{}</code>").format(word) for word in schema.get("enum", [schema.get("const")])
        )
    if schema.get("type") == "array":
        return Markup("list of {}").format(type_of(schema.get("items") or (schema.get("prefixItems") or [{}])[0]))
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return Markup("map of {}").format(type_of(schema["additionalProperties"]))
    return Markup("{}").format(schema.get("format") or schema.get("type") or "any")


def _prose(text: str) -> Markup:
    """Render Markdown safely, with the renderer used for mails."""
    return Markup(markdown.render(text, limit=_TEXT_LIMIT).html)  # noqa: S704 - cleaned there


def _pretty(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)
