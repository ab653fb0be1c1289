"""Validate the body of `POST /2/tweets`: known keys, their types, and exclusions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_KEY_NAMES = (
    "text reply media poll quote_tweet_id reply_settings community_id share_with_followers edit_options made_with_ai "
    "paid_partnership nullcast card_uri direct_message_deep_link for_super_followers_only geo"
)
_KEYS = frozenset(_KEY_NAMES.split())
_INNER = {
    "reply": frozenset({"in_reply_to_tweet_id", "exclude_reply_user_ids"}),
    "media": frozenset({"media_ids", "tagged_user_ids"}),
    "poll": frozenset({"options", "duration_minutes", "reply_settings"}),
}
_REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
_MEDIA_COUNTS, _OPTION_COUNTS, _OPTION_SIZES, _MINUTES = range(1, 5), range(2, 5), range(1, 26), range(5, 10_081)
_LONGEST_ALT = 1_000
_ID = re.compile(r"[0-9]{1,19}")


class BadBodyError(Exception):
    """A key or value that X refuses with 400."""

    def __init__(self, message: str, **parameters: object) -> None:
        super().__init__(message)
        self.message, self.parameters = message, parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """A validated request to post."""

    text: str
    reply_to: str | None = None
    quotes: str | None = None
    media_ids: Sequence[str] = ()


def parse_post(body: object) -> NewPost:
    """Validate the body of a post request.

    Raises:
        BadBodyError: has the message and parameters of the 400 response.
    """
    if not isinstance(body, dict):
        raise BadBodyError("The request body must be a JSON object.")
    _refuse_unknown(body)
    if sum(key in body for key in ("media", "poll", "quote_tweet_id")) > 1:
        raise BadBodyError("media, poll and quote_tweet_id are mutually exclusive.")
    if body.get("reply_settings") not in (None, *_REPLY_SETTINGS):
        raise BadBodyError(
            f"reply_settings must be one of {', '.join(_REPLY_SETTINGS)}.", reply_settings=body["reply_settings"]
        )
    media_ids = _media_ids(body.get("media"))
    _check_poll(body.get("poll"))
    text = body.get("text", "")
    if not isinstance(text, str) or (not text and not media_ids):
        raise BadBodyError("The text field is required and must be a string.", text=text)
    reply = body.get("reply") or {}
    return NewPost(
        text=text,
        reply_to=_id(reply["in_reply_to_tweet_id"], "reply.in_reply_to_tweet_id") if reply else None,
        quotes=_id(body["quote_tweet_id"], "quote_tweet_id") if "quote_tweet_id" in body else None,
        media_ids=media_ids,
    )


def read_description(body: object) -> tuple[str, str]:
    """Return media id and alternative text of a metadata request.

    Raises:
        BadBodyError: has the message and parameters of the 400 response.
    """
    if not isinstance(body, dict):
        raise BadBodyError("The request body must be a JSON object.")
    metadata = body.get("metadata")
    holder = metadata.get("alt_text") if isinstance(metadata, dict) else None
    alt = holder.get("text") if isinstance(holder, dict) else None
    if not isinstance(alt, str) or not 0 < len(alt) <= _LONGEST_ALT:
        raise BadBodyError(f"$.metadata.alt_text.text: must be a string of 1 to {_LONGEST_ALT} characters")
    return _id(body.get("id"), "id"), alt


def _refuse_unknown(body: dict[str, Any]) -> None:
    for key in body.keys() - _KEYS:
        raise BadBodyError(
            f"$.{key}: is not defined in the schema and the schema does not allow additional properties", key=key
        )
    for name, known in _INNER.items():
        inner = body.get(name)
        if inner is None:
            continue
        if not isinstance(inner, dict):
            raise BadBodyError(f"$.{name}: must be an object")
        for key in inner.keys() - known:
            raise BadBodyError(f"$.{name}.{key}: is not defined in the schema", key=key)
    if isinstance(body.get("reply"), dict) and "in_reply_to_tweet_id" not in body["reply"]:
        raise BadBodyError("$.reply.in_reply_to_tweet_id: is missing but it is required")


def _media_ids(media: object) -> list[str]:
    if not isinstance(media, dict):
        return []
    ids = media.get("media_ids")
    if not isinstance(ids, list) or len(ids) not in _MEDIA_COUNTS:
        raise BadBodyError("$.media.media_ids: must hold 1 to 4 ids")
    return [_id(value, "media.media_ids") for value in ids]


def _check_poll(poll: object) -> None:
    if not isinstance(poll, dict):
        return
    options, minutes = poll.get("options"), poll.get("duration_minutes")
    if not isinstance(options, list) or len(options) not in _OPTION_COUNTS:
        raise BadBodyError("$.poll.options: must hold 2 to 4 options")
    if not all(isinstance(option, str) and len(option) in _OPTION_SIZES for option in options):
        raise BadBodyError("$.poll.options: each must be a string of 1 to 25 characters")
    if not isinstance(minutes, int) or minutes not in _MINUTES:
        raise BadBodyError("$.poll.duration_minutes: must be from 5 to 10080")


def _id(value: object, name: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadBodyError(f"$.{name}: must be a string of up to 19 digits", id=value)
    return value
