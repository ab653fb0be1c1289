"""Lint a mail for problems that SendGrid accepts but mailbox providers or readers do not.

Sources: RFC 8058 (one-click unsubscription), RFC 5322, RFC 3834, Gmail's and Yahoo's sender guidelines.
"""

import re
from collections.abc import Iterator
from email.message import EmailMessage

from notifier.sandbox.sendgrid.expand import Mail
from notifier.sandbox.sendgrid.headers import LINE_OCTETS

CLIPPED_AT = 102_000  # octets of encoded HTML after which Gmail shows "Message clipped"
BUDGET = 60_000
SUBJECT_CAP = 150

_HTTPS = re.compile(r"<(https?://[^>]+)>")


def remarks(mail: Mail, parsed: EmailMessage) -> list[str]:
    """Return remarks on a mail; an empty list if there are none."""
    return [*_unsubscribe(parsed), *_headers(mail, parsed), *_bodies(mail)]


def _unsubscribe(parsed: EmailMessage) -> Iterator[str]:
    listed, post = str(parsed.get("List-Unsubscribe", "")), str(parsed.get("List-Unsubscribe-Post", ""))
    if not listed:
        yield "List-Unsubscribe is missing (RFC 8058)"
        return
    found = _HTTPS.findall(listed)
    if len(found) != 1:
        yield f"List-Unsubscribe has {len(found)} web addresses instead of one (RFC 8058)"
    elif not found[0].startswith("https://"):
        yield "List-Unsubscribe is not https (RFC 8058 section 3.1)"
    if found and not listed.strip().startswith("<http"):
        yield "List-Unsubscribe names the web address after the mailto"
    if post.strip() != "List-Unsubscribe=One-Click":
        yield "List-Unsubscribe-Post is not List-Unsubscribe=One-Click (RFC 8058 section 3.1)"
    recipients = str(parsed.get("To", ""))
    if any(address in listed for address in re.findall(r"[^\s<>,]+@[^\s<>,]+", recipients)):
        yield "List-Unsubscribe shows the recipient's address in clear"


def _headers(mail: Mail, parsed: EmailMessage) -> Iterator[str]:
    if "Auto-Submitted" not in parsed:
        yield "Auto-Submitted is missing (RFC 3834): vacation replies will come back"
    if "List-Id" not in parsed:
        yield "List-Id is missing (RFC 2919)"
    if "References" not in parsed:
        yield "References is missing: updates of one incident will not form a thread"
    if len(mail.subject) > SUBJECT_CAP:
        yield f"the subject has {len(mail.subject)} characters, more than {SUBJECT_CAP}"
    if re.search(r"[\x00-\x1f\x7f]", mail.subject):
        yield "the subject has control characters"


def _bodies(mail: Mail) -> Iterator[str]:
    text, page = mail.body("text/plain"), mail.body("text/html")
    if not text or not page:
        yield "not both a text/plain and a text/html part"
    size = len(page.encode())
    if size > CLIPPED_AT:
        yield f"the HTML has {size:,} octets: Gmail clips it at {CLIPPED_AT:,}"
    elif size > BUDGET:
        yield f"the HTML has {size:,} octets, over the budget of {BUDGET:,}"
    if page and not re.search(r"<html[^>]*\slang=", page, re.IGNORECASE):
        yield "the HTML names no language"
    if re.search(r"<(?:script|form|iframe|object|embed|link)\b", page, re.IGNORECASE):
        yield "the HTML has scripts, forms, frames or external style sheets"
    if any(len(line.encode()) > LINE_OCTETS for line in text.splitlines()):
        yield "a text line is longer than 998 octets (RFC 5322 section 2.1.1)"
