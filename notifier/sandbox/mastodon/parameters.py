"""The parameters of a status: form fields or JSON, parsed as in Rails."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from notifier.sandbox.mastodon.errors import Refused
from notifier.sandbox.mastodon.length import length

MAX_MEDIA = 4
SOONEST = 300.0  # minimum seconds ahead for a scheduled status

_VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*")
_FALSE = frozenset({"", "0", "f", "false", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A requested status."""

    text: str
    spoiler: str
    visibility: str
    language: str | None
    sensitive: bool
    reply_to: str | None
    media_ids: Sequence[str]
    scheduled_at: float | None


async def read(request: Request) -> dict[str, Any]:
    """Return a request's parameters; `name[]` fields become lists.

    Raises:
        Refused: 400 if the body does not match its content type.
    """
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = orjson.loads(await request.body() or b"{}")
        except orjson.JSONDecodeError:
            raise Refused(400) from None
        if not isinstance(body, dict):
            raise Refused(400)
        return body
    async with request.form() as form:
        return {
            name.removesuffix("[]"): form.getlist(name) if name.endswith("[]") else value
            for name, value in form.multi_items()
        }


def parse(parameters: Mapping[str, Any], *, limit: int, now: float) -> Wanted:
    """Check the parameters of a new status or an edit.

    Raises:
        Refused: 422.
    """
    text, spoiler = str(parameters.get("status") or ""), str(parameters.get("spoiler_text") or "")
    media_ids = [str(one) for one in parameters.get("media_ids") or []]
    if not text.strip() and not media_ids:
        raise Refused(422, "Validation failed: Text can't be blank")
    if length(text, spoiler) > limit:
        raise Refused(422, f"Validation failed: Text character limit of {limit} exceeded")
    if len(media_ids) > MAX_MEDIA:
        raise Refused(422, f"Cannot attach more than {MAX_MEDIA} files")
    visibility = str(parameters.get("visibility") or "public")
    if visibility not in _VISIBILITIES:
        raise Refused(422, "Validation failed: Visibility is not included in the list")
    language = parameters.get("language") or None
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        raise Refused(422, "Validation failed: Language is not included in the list")
    reply_to = parameters.get("in_reply_to_id")
    return Wanted(
        text=text,
        spoiler=spoiler,
        visibility=visibility,
        language=str(language) if language else None,
        sensitive=str(parameters.get("sensitive", "")).lower() not in _FALSE or bool(spoiler),
        reply_to=str(reply_to) if reply_to not in (None, "") else None,
        media_ids=media_ids,
        scheduled_at=_scheduled(parameters.get("scheduled_at"), now),
    )


def _scheduled(value: object, now: float) -> float | None:
    if not value:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refused(422, "Validation failed: Scheduled at is invalid") from None
    if at.tzinfo is None or at.timestamp() < now + SOONEST:
        raise Refused(422, "Validation failed: Scheduled at The scheduled date must be in the future")
    return at.timestamp()
