"""Serialize a post's text, stored before sending so that a retry can repeat or find it."""

from typing import Any

from notifier.domain.messages.message import LinkSpan
from notifier.rendering.social.posts import PostText

Json = dict[str, Any]


def wording_to_json(worded: PostText) -> Json:
    """Return a post's text with everything its sender needs."""
    return {
        "text": worded.text,
        "reader": worded.reader,
        "locale": worded.locale,
        "languages": list(worded.languages),
        "links": list(worded.links),
        "spans": [[span.start, span.end, span.url] for span in worded.spans],
        "shortened": worded.shortened,
    }


def wording_from_json(data: Json) -> PostText:
    """Parse the result of `wording_to_json`."""
    return PostText(
        text=data["text"],
        reader=data["reader"],
        locale=data["locale"],
        languages=tuple(data["languages"]),
        links=tuple(data["links"]),
        spans=tuple(LinkSpan(start=start, end=end, url=url) for start, end, url in data["spans"]),
        shortened=data["shortened"],
    )
