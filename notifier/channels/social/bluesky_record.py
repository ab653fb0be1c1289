"""The record of one post: the same bytes on every attempt."""

import importlib
import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from notifier.channels.social.bluesky_login import library
from notifier.domain.message import PostReceipt, SocialPost

COLLECTION = "app.bsky.feed.post"
MAX_LANGUAGES = 3
_CUT_OFF = re.compile(r"(?:…|\.\.\.)\Z")


def post_record(post: SocialPost, *, image: Any = None) -> Any:
    """Return the record.

    Raises:
        ValueError: the text is over the platform's limit in bytes.
    """
    models = library().models
    created = post.posted_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return models.AppBskyFeedPost.Record(
        text=post.text,
        created_at=created,
        langs=list(post.languages or (post.locale,))[:MAX_LANGUAGES],
        facets=facets(post.text, post.links) or None,
        reply=_reply(post),
        embed=_embed(image, post.picture.alt) if image is not None and post.picture is not None else None,
    )


def facets(text: str, links: Sequence[str] = ()) -> list[Any]:
    """Mark links and hashtags, which no server does. Offsets count bytes of UTF-8; the end is exclusive.

    A link that is shown short (without its scheme, or cut off) leads to the one of `links` that it begins.
    """
    found: list[Any] = importlib.import_module("atproto_client.utils.facet_detection").detect_facets(text)
    for facet in found:
        for feature in facet.features:
            if getattr(feature, "uri", None):
                feature.uri = _target(str(feature.uri), links)
    return found


def upload_blob(client: Any, data: bytes, media_type: str) -> Any:
    """Upload a file; returns what an embed refers to it by. The library's own call uses a deprecated one of httpx."""
    response = client.request.post(
        client._build_url("com.atproto.repo.uploadBlob"),  # noqa: SLF001 - knows the server the session lives on
        content=data,
        headers={"Content-Type": media_type},
    )
    to_model = importlib.import_module("atproto_client.models.utils").get_response_model
    return to_model(response, library().models.ComAtprotoRepoUploadBlob.Response).blob


def can_reply(receipt: PostReceipt | None) -> bool:
    """Whether a receipt names a post completely enough to refer to it."""
    return receipt is not None and bool(receipt.id) and bool(receipt.extra.get("cid"))


def _target(shown: str, links: Sequence[str]) -> str:
    start = _CUT_OFF.sub("", shown)
    for link in links:
        if link.startswith(start) or link.partition("://")[2].startswith(start.partition("://")[2]):
            return link
    return start


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
