"""Payloads of other systems, as their documentation shows them."""

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notifier.inbound.sendgrid import SIGNATURE_HEADER, TIMESTAMP_HEADER

Json = dict[str, Any]


def statuspage_update(number: int, status: str, body: str, *, at: datetime, **changes: Any) -> Json:
    moment = at.isoformat().replace("+00:00", "Z")
    return {
        "id": f"update{number:06d}",
        "incident_id": "p31zjtct2jer",
        "status": status,
        "body": body,
        "created_at": moment,
        "updated_at": moment,
        "display_at": moment,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
        "affected_components": [
            {
                "code": "f0q6z2n8b4hs",
                "name": "Europe - Amsterdam (AMS)",
                "old_status": "operational",
                "new_status": "partial_outage",
            }
        ],
    } | changes


def statuspage(*updates: Json, **changes: Any) -> Json:
    """A webhook with this timeline, given oldest first."""
    newest = updates[-1]
    return {
        "meta": {"unsubscribe": "https://status.example/?unsubscribe=zk41", "generated_at": newest["updated_at"]},
        "page": {"id": "k3v9q0c2m7xw", "status_indicator": "major", "status_description": "Partial System Outage"},
        "incident": {
            "id": "p31zjtct2jer",
            "page_id": "k3v9q0c2m7xw",
            "name": "Elevated 5xx from the Amsterdam edge",
            "status": newest["status"],
            "impact": "major",
            "impact_override": None,
            "created_at": updates[0]["created_at"],
            "updated_at": newest["updated_at"],
            "started_at": updates[0]["created_at"],
            "monitoring_at": None,
            "resolved_at": None,
            "shortlink": "https://stspg.io/1x2y3z4w5v6u",
            "backfilled": False,
            "scheduled_for": None,
            "scheduled_until": None,
            "incident_updates": list(reversed(updates)),
            "components": [
                {"id": "f0q6z2n8b4hs", "name": "Amsterdam (AMS)", "status": "partial_outage", "position": 4}
            ],
        }
        | changes,
    }


COMPONENT_NEWS: Json = {
    "meta": {"unsubscribe": "https://status.example/?unsubscribe=zk41"},
    "page": {"id": "k3v9q0c2m7xw", "status_indicator": "none", "status_description": "All Systems Operational"},
    "component": {"id": "f0q6z2n8b4hs", "name": "Amsterdam (AMS)", "status": "operational", "position": 4},
    "component_update": {
        "id": "u6b3h1k8s0zn",
        "component_id": "f0q6z2n8b4hs",
        "component_type": "Component",
        "old_status": "partial_outage",
        "new_status": "operational",
        "created_at": "2026-08-01T10:39:59.480Z",
    },
}


def an_alert(status: str = "firing", *, at: datetime, fingerprint: str = "a3f1c09b7d22e845", **labels: str) -> Json:
    return {
        "status": status,
        "labels": {"alertname": "CheckoutErrors", "severity": "critical", "component": "checkout"} | labels,
        "annotations": {"summary": "Checkout errors above 5 % in eu", "runbook_url": "https://runbooks.example/c"},
        "startsAt": at.isoformat().replace("+00:00", ".123456789Z"),
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else at.isoformat().replace("+00:00", "Z"),
        "generatorURL": "https://prom.example/graph?g0.expr=checkout",
        "fingerprint": fingerprint,
    }


def alert_group(*alerts: Json, **changes: Any) -> Json:
    firing = any(alert["status"] == "firing" for alert in alerts)
    return {
        "version": "4",
        "groupKey": '{}/{team="payments"}:{alertname="CheckoutErrors", region="eu"}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "notifier",
        "groupLabels": {"alertname": "CheckoutErrors"},
        "commonLabels": {"alertname": "CheckoutErrors"},
        "commonAnnotations": {"summary": "Checkout errors above 5 % in eu"},
        "externalURL": "https://alerts.example",
        "alerts": list(alerts),
    } | changes


def a_mail_event(number: int, event: str, delivery: str | None = None, **changes: Any) -> Json:
    found: Json = {
        "email": f"owner-{number}@example.com",
        "timestamp": int(datetime.now(UTC).timestamp()) - 60,
        "event": event,
        "smtp-id": "<q3Zr1LmTQyK8s0dPw7uHfA@geopod-ismtpd-12>",
        "category": ["incident", "locale-en"],
        "sg_event_id": f"{event}-{number}",
        "sg_message_id": "q3Zr1LmTQyK8s0dPw7uHfA.recvd-6b8c9d-abcde-1-66AB2C11-4.1",
        "batch": "4294967296",
        "attempt": "1",
    }
    if delivery is not None:
        found["delivery_id"] = delivery
    return found | changes


class Signer:
    """Signs batches as SendGrid does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public_key = base64.b64encode(public).decode()

    def headers(self, body: bytes, *, age: timedelta = timedelta()) -> dict[str, str]:
        timestamp = str(int((datetime.now(UTC) - age).timestamp()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: base64.b64encode(signature).decode()}


def as_batch(*events: Json) -> bytes:
    """The body SendGrid posts: it ends with CR LF."""
    return json.dumps(list(events)).encode() + b"\r\n"


def copied(payload: Json) -> Json:
    return copy.deepcopy(payload)
