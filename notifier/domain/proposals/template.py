"""Templates: prepared texts that pre-fill a draft, with placeholders such as `{components}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from notifier.domain.values import Impact, Status

PLACEHOLDERS = ("components", "source", "upstream", "link", "time")


def placeholder_fault(text: str) -> str | None:
    """Return what is wrong with the placeholders of a text; None: nothing.

    A placeholder is one of `PLACEHOLDERS` in braces; a brace itself is written twice.
    """
    try:
        names = [
            name for _, name, spec, conversion in Formatter().parse(text) if name is not None or spec or conversion
        ]
    except ValueError:
        return "has a brace without its partner; write {{ or }} for a brace itself"
    unknown = next((name for name in names if name not in PLACEHOLDERS), None)
    if unknown is None:
        return None
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    return f"has the unknown placeholder {{{unknown}}}; known: {known}"


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders replaced; one without a value becomes empty."""
    return "".join(
        literal + ("" if name is None else values.get(name, "")) for literal, name, _, _ in Formatter().parse(text)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Prepared texts, each per locale. `is_configured`: from `notifier.toml`, which the API cannot change."""

    id: str
    name: str
    title: Mapping[str, str]
    body: Mapping[str, str]
    status: Status = Status.INVESTIGATING
    impact: Impact | None = None
    components: tuple[str, ...] = ()
    is_configured: bool = False
    updated_at: datetime | None = None
