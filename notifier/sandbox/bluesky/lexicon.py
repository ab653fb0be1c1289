"""The rules of `app.bsky.feed.post` (lexicons app.bsky.feed.post and app.bsky.richtext.facet)."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from notifier.sandbox.text import graphemes

POST = "app.bsky.feed.post"
MAX_GRAPHEMES = 300
MAX_BYTES = 3_000
IMAGES = "app.bsky.embed.images"
MAX_IMAGES, MAX_IMAGE_BYTES = 4, 1_000_000
MAX_TAG = 64  # graphemes

_LEADING_BITS, _CONTINUATION = 0xC0, 0x80  # UTF-8: 10xxxxxx are continuation bytes

_DATETIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](?:\.[0-9]{1,20})?(?:Z|[+-][0-2][0-9]:[0-5][0-9])"
)
_LANGUAGE = re.compile(r"(?:[A-Za-z]{2,3}|i)(?:-[A-Za-z0-9]{1,8})*")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_AT_URI = re.compile(r"at://(?P<repo>[^/\s]+)/(?P<collection>[a-zA-Z0-9.-]+)/(?P<rkey>[A-Za-z0-9._:~-]+)")
_CID = re.compile(r"b[a-z2-7]{58,}")
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")
_FEATURES = {"link": "uri", "tag": "tag", "mention": "did"}


def faults_of(record: dict[str, Any]) -> Iterator[str]:
    """Yield the errors in a post record, in the server's wording."""
    text = record.get("text")
    if not isinstance(text, str):
        yield 'Record must have the property "text"'
        return
    if len(text.encode()) > MAX_BYTES:
        yield f"Record/text must not be longer than {MAX_BYTES} bytes"
    if graphemes(text) > MAX_GRAPHEMES:
        yield f"Record/text must not be longer than {MAX_GRAPHEMES} graphemes"
    if "createdAt" not in record:
        yield 'Record must have the property "createdAt"'
    elif not isinstance(record["createdAt"], str) or not _DATETIME.fullmatch(record["createdAt"]):
        yield "Record/createdAt must be an valid atproto datetime (both RFC-3339 and ISO-8601)"
    yield from _lists(record)
    yield from _facets(record.get("facets", []), text)
    yield from _reply(record.get("reply"))
    yield from _images(record.get("embed"))


def reference(uri: str) -> tuple[str, str, str] | None:
    """Return repo, collection and record key of an at-uri, or None if invalid."""
    found = _AT_URI.fullmatch(uri)
    return (found["repo"], found["collection"], found["rkey"]) if found else None


def images_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return blob id and alternative text of each picture in a valid record."""
    embed = record.get("embed")
    images = embed.get("images", []) if isinstance(embed, dict) and embed.get("$type") == IMAGES else []
    return [(image["image"]["ref"]["$link"], image["alt"]) for image in images]


def _images(embed: object) -> Iterator[str]:
    """Check `app.bsky.embed.images`: up to four pictures of 1 MB, each with alternative text."""
    if not isinstance(embed, dict) or embed.get("$type") != IMAGES:
        return
    images = embed.get("images")
    if not isinstance(images, list) or len(images) > MAX_IMAGES:
        yield f"Record/embed/images must not have more than {MAX_IMAGES} elements"
        return
    for number, image in enumerate(images):
        where = f"Record/embed/images/{number}"
        blob = image.get("image") if isinstance(image, dict) else None
        reference_ = blob.get("ref") if isinstance(blob, dict) else None
        if not isinstance(image, dict) or not isinstance(image.get("alt"), str):
            yield f'{where} must have the property "alt"'
        elif not isinstance(blob, dict) or not isinstance(reference_, dict) or "$link" not in reference_:
            yield f"{where}/image should be a blob ref"
        elif not str(blob.get("mimeType", "")).startswith("image/"):
            yield f"{where}/image mimeType must match image/*"
        elif not isinstance(blob.get("size"), int) or blob["size"] > MAX_IMAGE_BYTES:
            yield f"{where}/image size must not be larger than {MAX_IMAGE_BYTES}"


def _lists(record: dict[str, Any]) -> Iterator[str]:
    for name, most in (("langs", 3), ("tags", 8)):
        values = record.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            yield f"Record/{name} must be an array of strings"
        elif len(values) > most:
            yield f"Record/{name} must not have more than {most} elements"
        elif name == "langs" and not all(_LANGUAGE.fullmatch(value) for value in values):
            yield "Record/langs must be well-formed BCP 47 language tags"
        elif name == "tags" and any(graphemes(value) > MAX_TAG for value in values):
            yield "Record/tags/0 must not be longer than 64 graphemes"


def _facets(facets: object, text: str) -> Iterator[str]:
    if not isinstance(facets, list):
        yield "Record/facets must be an array"
        return
    octets = text.encode()
    spans: list[tuple[int, int]] = []
    for number, facet in enumerate(facets):
        where = f"Record/facets/{number}"
        if not isinstance(facet, dict) or not isinstance(facet.get("index"), dict):
            yield f'{where} must have the property "index"'
            continue
        start, end = facet["index"].get("byteStart"), facet["index"].get("byteEnd")
        if not _is_span(start, end, octets):
            yield f"{where}/index must be a span of whole characters inside the text, counted in UTF-8 bytes"
        else:
            spans.append((start, end))
        yield from _features(facet.get("features"), where)
    ordered = sorted(spans)
    if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
        yield "Record/facets must not overlap"


def _is_span(start: object, end: object, octets: bytes) -> bool:
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(octets):
        return False
    return all(at == len(octets) or octets[at] & _LEADING_BITS != _CONTINUATION for at in (start, end))


def _features(features: object, where: str) -> Iterator[str]:
    if not isinstance(features, list) or not features:
        yield f'{where} must have the property "features"'
        return
    for feature in features:
        kind = str(feature.get("$type", "")).partition("#")[2] if isinstance(feature, dict) else ""
        value = feature.get(_FEATURES[kind]) if kind in _FEATURES else None
        if not isinstance(value, str):
            yield f"{where}/features must be a link, a tag or a mention with its value"
        elif kind == "link" and not _URI.fullmatch(value):
            yield f"{where}/features/uri must be a uri"
        elif kind == "mention" and not _DID.fullmatch(value):
            yield f"{where}/features/did must be a valid did"
        elif kind == "tag" and (value.startswith("#") or graphemes(value) > MAX_TAG):
            yield f"{where}/features/tag must be a tag without # of at most 64 graphemes"


def _reply(reply: object) -> Iterator[str]:
    if reply is None:
        return
    for name in ("root", "parent"):
        target = reply.get(name) if isinstance(reply, dict) else None
        if not isinstance(target, dict):
            yield f'Record/reply must have the property "{name}"'
        elif not isinstance(target.get("uri"), str) or reference(target["uri"]) is None:
            yield f"Record/reply/{name}/uri must be a valid at-uri"
        elif not isinstance(target.get("cid"), str) or not _CID.fullmatch(target["cid"]):
            yield f"Record/reply/{name}/cid must be a cid string"
