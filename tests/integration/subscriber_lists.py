"""The house that the tests of lists live in: its words, its clock, its services."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.channels.webhook.headers import validate_headers
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.changes import EndpointChanges, SubscriberChanges
from notifier.domain.recipients.endpoint import Endpoint
from notifier.domain.recipients.subscriber import Subscriber, Vocabulary
from notifier.inbound.endpoints import parse_endpoint, parse_endpoint_patch
from notifier.inbound.subscribers import parse_patch, parse_subscriber
from notifier.services.endpoints.manage import Endpoints
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor, AuditLog
from notifier.services.security.secretbox import SecretBox
from notifier.services.subscribers.manage import Subscribers
from notifier.storage.database.engine import Database

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
SUPPORT = Actor("key:support", "192.0.2.7")
VOCABULARY = Vocabulary(
    components=frozenset({"backoffice", "storefront", "checkout", "api", "pos"}),
    locales=frozenset({"nl", "en", "de", "fr"}),
    default_locale="en",
    default_timezone="Europe/Amsterdam",
)


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def parsed_subscriber(**members: Any) -> Subscriber:
    return parse_subscriber(json.dumps(members), VOCABULARY)


def changes(**members: Any) -> SubscriberChanges:
    return parse_patch(json.dumps(members))


def endpoint(**members: Any) -> Endpoint:
    return parse_endpoint(json.dumps(members), VOCABULARY)


def endpoint_changes(**members: Any) -> EndpointChanges:
    return parse_endpoint_patch(json.dumps(members))


def subscriber_body(external_id: str = "shop-1001", **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "external_id": external_id,
        "kind": "merchant",
        "email": "owner@bloemenhuis.example",
        "name": "Bloemenhuis Jansen",
        "locale": "nl",
        "timezone": "Europe/Amsterdam",
        "state": "active",
        "preferences": {
            "channels": ["email"],
            "components": ["storefront", "checkout"],
            "min_impact": "minor",
            "updates": "all",
            "maintenance": True,
            "quiet_hours": {"from": "22:00", "to": "07:00"},
            "max_per_hour": None,
        },
    }
    return body | changes


def a_subscriber(external_id: str = "shop-1001", **changes: Any) -> Subscriber:
    return parsed_subscriber(**subscriber_body(external_id, **changes))


def subscribers_of(database: Database, clock: Clock | None = None) -> Subscribers:
    return Subscribers(database, clock or Clock(), VOCABULARY, AddressHasher(database))


def refuse_private(url: str) -> None:
    if "127.0.0.1" in url:
        raise InvalidInputError([FieldError("url", "127.0.0.1: a private address")])


def endpoints_of(
    database: Database, clock: Clock | None = None, *, keys: tuple[str, ...] = ("key-one",), verify_first: bool = False
) -> Endpoints:
    return Endpoints(
        database,
        clock or Clock(),
        VOCABULARY,
        EndpointSecrets(SecretBox(keys, "endpoint")),
        vet=refuse_private,
        check_headers=validate_headers,
        verify_first=verify_first,
    )


def audit_of(database: Database) -> AuditLog:
    return AuditLog(database, AddressHasher(database).pepper)


def faults(error: InvalidInputError) -> dict[str, str]:
    return {fault.field: fault.message for fault in error.errors}
