"""Headers of bulk mail: what filters, threads and one-click unsubscription need.

Sources: RFC 8058 (one-click), RFC 2919 (List-Id), RFC 3834 (Auto-Submitted), RFC 5322 (message ids), Google's and
Yahoo's sender guidelines. A header value never holds a character that came from an event unchecked.
"""

import hashlib
import re
from collections.abc import Mapping

from notifier.domain.messages.message import Mailbox

ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058 section 3.1: this value and nothing else
_MAX_ID = 60
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_]+")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")  # RFC 5322 atoms and blanks: needs no quoting


def domain_of(sender: Mailbox) -> str:
    """The sender's domain in its ASCII form: the right side of our message ids, under which the list has its name."""
    domain = sender.email.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


def id_part(text: str) -> str:
    """Make any id fit the left side of a message id: two ids never become one."""
    if len(text) <= _MAX_ID and text.isascii() and text.replace("_", "").isalnum():
        return text
    plain = _NOT_IN_ID.sub("-", text).strip("-")
    if plain == text and len(text) <= _MAX_ID:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{plain[:_MAX_ID]}-{digest}".lstrip("-")


def thread_id(incident_id: str, sender: Mailbox) -> str:
    """The synthetic message id to which every mail of an incident replies: one thread in a mail program."""
    return f"<incident.{id_part(incident_id)}@{domain_of(sender)}>"


def message_id(delivery_id: str, domain: str) -> str:
    """The same on every attempt of a delivery, so that a repeat is one message to servers that look."""
    return f"<{id_part(delivery_id)}@{domain}>"


def list_id(sender: Mailbox) -> str:
    """`Brand <incidents.domain>`; the brand only where it can stand unencoded."""
    identifier = f"<incidents.{domain_of(sender)}>"
    return f"{sender.name} {identifier}" if _PHRASE.fullmatch(sender.name) else identifier


def incident_headers(incident_id: str, locale: str, sender: Mailbox) -> Mapping[str, str]:
    """Headers that all mails of one notification in one locale share."""
    thread = thread_id(incident_id, sender)
    return {
        "List-Id": list_id(sender),
        "References": thread,
        "In-Reply-To": thread,
        "Feedback-ID": f"{id_part(incident_id)}:{locale}:notifier:{domain_of(sender)}",
        **automatic_headers(),
    }


def automatic_headers() -> Mapping[str, str]:
    """What keeps vacation replies away (RFC 3834; the second for Exchange, which does not read the first)."""
    return {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


def recipient_headers(delivery_id: str, domain: str, unsubscribe_url: str) -> dict[str, str]:
    """Headers of one recipient's mail. `unsubscribe_url` identifies recipient and list by itself, without cleartext."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": ONE_CLICK,
        "Message-ID": message_id(delivery_id, domain),
    }
