"""The exact words of a post, kept before it is sent: what may be public is repeated and looked for in these."""

from typing import Any

from notifier.domain.messages.message import LinkSpan
from notifier.rendering.social.posts import PostText

Json = dict[str, Any]


def wording_to_json(worded: PostText) -> Json:
    """Write a post's text with all that its sender needs."""
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
    """Read what `wording_to_json` wrote."""
    return PostText(
        text=data["text"],
        reader=data["reader"],
        locale=data["locale"],
        languages=tuple(data["languages"]),
        links=tuple(data["links"]),
        spans=tuple(LinkSpan(start=start, end=end, url=url) for start, end, url in data["spans"]),
        shortened=data["shortened"],
    )
