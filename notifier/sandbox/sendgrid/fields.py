"""Check the message-level fields of a mail send request."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator

from notifier.sandbox.sendgrid.addresses import EXAMPLE, bad_name, is_address, unknown_keys
from notifier.sandbox.sendgrid.errors import Problem

MAX_AHEAD = 72 * 3600
MAX_CATEGORIES = 10
MAX_CATEGORY = 255
CONTENT_ORDER = (
    "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs "
    "to be first, followed by text/html, followed by any other content."
)
_MIME_TYPE = re.compile(r"[^;\r\n]+")
_REPLY_COUNTS, _POOL_NAME = range(1, 1001), range(2, 65)
_RANK = {"text/plain": 0, "text/html": 1}

Found = Iterator[Problem]


def address_object(value: object, field: str, *, strict: bool) -> Found:
    """Check one `{email, name?}` object, such as `from` or `reply_to`."""
    if not isinstance(value, dict) or not is_address(value.get("email")):
        yield Problem(
            f"The {field} object must at least have an email parameter with a valid email address and may also contain "
            f"a name parameter. {EXAMPLE}",
            f"{field}.email",
        )
        return
    for key in unknown_keys(value):
        yield Problem(f"Additional property {key} is not allowed", f"{field}.{key}")
    if message := bad_name(value, strict=strict):
        yield Problem(message, f"{field}.name")


def reply_to_list(value: object, *, strict: bool) -> Found:
    """Check `reply_to_list`: up to 1,000 unique addresses."""
    if not isinstance(value, list) or len(value) not in _REPLY_COUNTS:
        yield Problem("The reply_to_list must be an array of 1 to 1000 objects.", "reply_to_list")
        return
    for index, entry in enumerate(value):
        yield from address_object(entry, f"reply_to_list.{index}", strict=strict)
    folded = [entry["email"].lower() for entry in value if isinstance(entry, dict) and is_address(entry.get("email"))]
    if len(set(folded)) != len(folded):
        yield Problem("Each email address in the reply_to_list should be unique.", "reply_to_list")


def text(value: object, field: str) -> Found:
    """Check a subject."""
    if not isinstance(value, str) or not value:
        yield Problem("The subject of your email must be a string at least one character in length.", field)


def content(value: object) -> Found:
    """Check `content`: text/plain first, then text/html, then others, each with a value."""
    if not isinstance(value, list) or not value:
        yield Problem(
            "There must be at least one defined content block. We typically suggest both text/plain and text/html "
            "blocks are included, but only one block is required.",
            "content",
        )
        return
    ranks: list[int] = []
    for index, part in enumerate(value):
        yield from _content_part(part, f"content.{index}")
        if isinstance(part, dict) and isinstance(part.get("type"), str):
            ranks.append(_RANK.get(part["type"].lower(), 2))
    if ranks != sorted(ranks):
        yield Problem(CONTENT_ORDER, "content")


def _content_part(part: object, field: str) -> Found:
    if not isinstance(part, dict):
        yield Problem("Each content block must be an object with a type and a value.", field)
        return
    if not isinstance(part.get("type"), str) or not part["type"]:
        yield Problem("Your content type must be a string with length of at least one character.", f"{field}.type")
    elif not _MIME_TYPE.fullmatch(part["type"]):
        yield Problem("Cannot contain ';', or CRLF characters.", f"{field}.type")
    if not isinstance(part.get("value"), str) or not part["value"]:
        yield Problem("The content value must be a string at least one character in length.", f"{field}.value")
    for key in sorted(part.keys() - {"type", "value"}):
        yield Problem(f"Additional property {key} is not allowed", f"{field}.{key}")


def attachments(value: object) -> Found:
    """Check `attachments`: each has base64 content and a file name."""
    if not isinstance(value, list):
        yield Problem("The attachments must be an array of objects.", "attachments")
        return
    for index, entry in enumerate(value):
        yield from _attachment(entry, f"attachments.{index}")


def _attachment(entry: object, field: str) -> Found:
    if not isinstance(entry, dict):
        yield Problem("Each attachment must be an object.", field)
        return
    for key in sorted(entry.keys() - {"content", "filename", "type", "disposition", "content_id"}):
        yield Problem(f"Additional property {key} is not allowed", f"{field}.{key}")
    body = entry.get("content")
    if not isinstance(body, str) or not body:
        yield Problem("The attachment content must be a string at least one character in length.", f"{field}.content")
    elif not _is_base64(body):
        yield Problem("The attachment content must be base64 encoded.", f"{field}.content")
    if not isinstance(entry.get("filename"), str) or not entry["filename"]:
        yield Problem("filename is required.", f"{field}.filename")
    elif re.search(r"[\r\n]", entry["filename"]):
        yield Problem("The filename of your attachment cannot contain CRLF characters.", f"{field}.filename")
    disposition = entry.get("disposition", "attachment")
    if disposition not in ("attachment", "inline"):
        message = (
            f'The disposition of your attachment can be either "inline" or "attachment". You provided {disposition}.'
        )
        yield Problem(message, f"{field}.disposition")


def _is_base64(body: str) -> bool:
    try:
        b64decode(body, validate=True)
    except (Base64Error, ValueError):
        return False
    return True


def categories(value: object) -> Found:
    """Check `categories`: up to 10 unique ASCII strings of up to 255 characters."""
    if not isinstance(value, list) or any(not isinstance(entry, str) for entry in value):
        yield Problem("Categories must be an array of strings.", "categories")
        return
    if len(value) > MAX_CATEGORIES:
        limit = f"There is a limit of {MAX_CATEGORIES} categories for each email that is sent."
        message = f"{limit} You provided {len(value)} categories."
        yield Problem(message, "categories")
    for index, entry in enumerate(value):
        if not entry.isascii():
            yield Problem("Categories can not contain non-ASCII characters.", f"categories.{index}")
        if len(entry) > MAX_CATEGORY:
            yield Problem(
                f"Each category must not be longer than {MAX_CATEGORY} characters. {entry} exceeds this limit.",
                f"categories.{index}",
            )
        if entry in value[:index]:
            message = f"The categories must be a unique list, and you have included {entry} more than once."
            yield Problem(message, f"categories.{index}")


def send_at(value: object, field: str, now: float) -> Found:
    """Check a `send_at`: whole Unix seconds, at most 72 hours ahead."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield Problem(
            "The send_at parameter is expecting a UNIX timestamp as an integer. We will send immediately if you "
            "include a send_at timestamp that is in the past.",
            field,
        )
    elif value > now + MAX_AHEAD:
        yield Problem("Scheduling more than 72 hours in advance is forbidden.", field)


def pool_name(value: object) -> Found:
    """Check `ip_pool_name`: 2 to 64 characters."""
    if not isinstance(value, str) or len(value) not in _POOL_NAME:
        yield Problem("The name of your IP pool must be a string of 2 to 64 characters.", "ip_pool_name")
