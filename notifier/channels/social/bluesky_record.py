"""Build the record of a post: the same bytes on every attempt."""

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from notifier.channels.social.bluesky_login import library
from notifier.domain.messages.message import LinkSpan, PostReceipt, SocialPost

COLLECTION = "app.bsky.feed.post"
MAX_LANGUAGES = 3
_CUT_OFF = re.compile(r"(?P<shown>[^\s…]{6,})(?:…|\.\.\.)")


def post_record(post: SocialPost, *, image: Any = None) -> Any:
    """Return the record.

    Raises:
        ValueError: the text exceeds the platform's limit in bytes.
    """
    models = library().models
    created = post.posted_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return models.AppBskyFeedPost.Record(
        text=post.text,
        created_at=created,
        langs=list(post.languages or (post.locale,))[:MAX_LANGUAGES],
        facets=facets(post.text, post.links, post.spans) or None,
        reply=_reply(post),
        embed=_embed(image, post.picture.alt) if image is not None and post.picture is not None else None,
    )


def facets(text: str, links: Sequence[str] = (), spans: Sequence[LinkSpan] = ()) -> list[Any]:
    """Mark links and hashtags, which no server does. Offsets are UTF-8 bytes; the end is exclusive.

    `spans` locate the shown links. For any of `links` without a span, search the text for it
    without its scheme or cut off by an ellipsis. The library finds the rest.
    """
    from atproto_client.utils.facet_detection import detect_facets  # noqa: PLC0415 - as large as `library`

    located = [*spans, *(span for link in links for span in _shown(text, link))]
    size = len(text.encode())
    marks: list[Any] = []
    for span in sorted(located, key=lambda one: one.start):
        if 0 <= span.start < span.end <= size and not _overlaps(marks, span.start, span.end):
            marks.append(_link(span))
    found = [mark for mark in detect_facets(text) if not _overlaps(marks, mark.index.byte_start, mark.index.byte_end)]
    return sorted([*marks, *found], key=lambda mark: int(mark.index.byte_start))


def upload_blob(client: Any, data: bytes, media_type: str) -> Any:
    """Upload a file; return its blob. The library's own call uses a deprecated httpx feature."""
    from atproto_client.models.utils import get_response_model  # noqa: PLC0415 - as large as `library`

    response = client.request.post(
        client._build_url("com.atproto.repo.uploadBlob"),  # noqa: SLF001 - the session's server
        content=data,
        headers={"Content-Type": media_type},
    )
    return get_response_model(response, library().models.ComAtprotoRepoUploadBlob.Response).blob


def can_reply(receipt: PostReceipt | None) -> bool:
    """Whether a receipt has all that a reply needs: id and cid."""
    return receipt is not None and bool(receipt.id) and bool(receipt.extra.get("cid"))


def _overlaps(marks: Sequence[Any], start: int, end: int) -> bool:
    return any(mark.index.byte_start < end and start < mark.index.byte_end for mark in marks)


def _shown(text: str, link: str) -> list[LinkSpan]:
    """Find where a link is shown without its scheme or cut off; at most one span."""
    bare = link.partition("://")[2]
    if link in text or not bare:
        return []  # shown whole: found by the library
    if bare in text:
        return [_span(text, text.index(bare), text.index(bare) + len(bare), link)]
    for cut in _CUT_OFF.finditer(text):
        if link.startswith(cut["shown"]) or bare.startswith(cut["shown"]):
            return [_span(text, cut.start(), cut.end(), link)]
    return []


def _span(text: str, start: int, end: int, url: str) -> LinkSpan:
    """Convert character offsets to bytes."""
    first = len(text[:start].encode())
    return LinkSpan(start=first, end=first + len(text[start:end].encode()), url=url)


def _link(span: LinkSpan) -> Any:
    models = library().models
    return models.AppBskyRichtextFacet.Main(
        features=[models.AppBskyRichtextFacet.Link(uri=span.url)],
        index=models.AppBskyRichtextFacet.ByteSlice(byte_start=span.start, byte_end=span.end),
    )


def _reply(post: SocialPost) -> Any:
    models = library().models
    parent = post.reply_to
    if parent is None or not can_reply(parent):
        return None
    root = post.thread_root if post.thread_root is not None and can_reply(post.thread_root) else parent

    def reference(receipt: PostReceipt) -> Any:
        return models.ComAtprotoRepoStrongRef.Main(uri=receipt.id, cid=receipt.extra["cid"])

    return models.AppBskyFeedPost.ReplyRef(root=reference(root), parent=reference(parent))


def _embed(image: Any, alt: str) -> Any:
    models = library().models
    return models.AppBskyEmbedImages.Main(images=[models.AppBskyEmbedImages.Image(alt=alt, image=image)])
