"""Submitted forms: URL-encoded, size-limited, each field a list of texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

_MOST_FIELDS = 300
_LONGEST = 1000
FORM_TOKEN = "form"  # noqa: S105 - the field's name
"""The hidden field with a form's token."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a submitted form."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """Return a field's last value, stripped; empty if there is none."""
        return self.fields.get(name, [""])[-1].strip()

    def many(self, name: str) -> list[str]:
        """Return all values of a field."""
        return list(self.fields.get(name, []))

    def has(self, name: str) -> bool:
        """Return whether a box was ticked."""
        return name in self.fields


async def read_form(request: Request) -> Form:
    """Read a URL-encoded body; anything else is an empty form, which every check then rejects."""
    body = await request.body()
    try:
        found = parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Form({})
    return Form({name: [value[:_LONGEST] for value in values] for name, values in found.items()})


def is_from_elsewhere(request: Request) -> bool:
    """Return whether the form comes from another site (Fetch Metadata; old browsers send none)."""
    return request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
