"""Headers of bulk mail, for filters, threading and one-click unsubscription.

Sources: RFC 8058 (one-click), RFC 2919 (List-Id), RFC 3834 (Auto-Submitted), RFC 5322 (message
ids), Google's and Yahoo's sender guidelines. No unchecked character of an event gets into a header.
"""

import hashlib
import re
from collections.abc import Mapping

from notifier.domain.messages.message import Mailbox

ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058 section 3.1: exactly this value
_MAX_ID = 60
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_]+")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")  # RFC 5322 atoms and spaces: no quotes


def domain_of(sender: Mailbox) -> str:
    """The sender's domain in ASCII, used in message ids and the list id."""
    domain = sender.email.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


def id_part(text: str) -> str:
    """Make an id valid as the left side of a message id; different ids stay different."""
    if len(text) <= _MAX_ID and text.isascii() and text.replace("_", "").isalnum():
        return text
    plain = _NOT_IN_ID.sub("-", text).strip("-")
    if plain == text and len(text) <= _MAX_ID:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{plain[:_MAX_ID]}-{digest}".lstrip("-")


def thread_id(incident_id: str, sender: Mailbox) -> str:
    """The synthetic message id that all mails of an incident reply to, to form one thread."""
    return f"<incident.{id_part(incident_id)}@{domain_of(sender)}>"


def message_id(delivery_id: str, domain: str) -> str:
    """Return the same id on every attempt, so that servers can recognise a repeat."""
    return f"<{id_part(delivery_id)}@{domain}>"


def list_id(sender: Mailbox) -> str:
    """Return `Brand <incidents.domain>`; without the brand if it would need encoding."""
    identifier = f"<incidents.{domain_of(sender)}>"
    return f"{sender.name} {identifier}" if _PHRASE.fullmatch(sender.name) else identifier


def incident_headers(incident_id: str, locale: str, sender: Mailbox) -> Mapping[str, str]:
    """Headers shared by all mails of one notification in one locale."""
    thread = thread_id(incident_id, sender)
    return {
        "List-Id": list_id(sender),
        "References": thread,
        "In-Reply-To": thread,
        "Feedback-ID": f"{id_part(incident_id)}:{locale}:notifier:{domain_of(sender)}",
        **automatic_headers(),
    }


def automatic_headers() -> Mapping[str, str]:
    """Headers that prevent vacation replies: RFC 3834, and Exchange, which ignores it."""
    return {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


def recipient_headers(delivery_id: str, domain: str, unsubscribe_url: str) -> dict[str, str]:
    """Headers of one recipient's mail. `unsubscribe_url` identifies recipient and list, encoded."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": ONE_CLICK,
        "Message-ID": message_id(delivery_id, domain),
    }
