"""Example bodies for the OpenAPI page that work as they are."""

from typing import Any

Json = dict[str, Any]

EVENT: Json = {
    "id": "evt-20220621-1",
    "incident": {
        "id": "inc-20220621",
        "title": {"nl": "Verminderde performance", "en": "Degraded performance"},
        "impact": "major",
        "components": [
            {"key": "storefront", "status": "major_outage"},
            {"key": "api", "status": "degraded_performance"},
        ],
        "scheduled_for": None,
        "scheduled_until": None,
        "links": ["https://www.cloudflarestatus.com/"],
    },
    "update": {
        "id": "upd-1",
        "status": "investigating",
        "body": {"nl": "We signaleren een storing.", "en": "We are noticing a disruption."},
    },
    "notify": True,
    "after": None,
}

SUBSCRIBER: Json = {
    "external_id": "shop-1001",
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

SIGN_UP: Json = {
    "email": "reader@bloemenhuis.example",
    "locale": "nl",
    "preferences": {"components": ["storefront"], "min_impact": "major", "updates": "milestones"},
}

ENDPOINT: Json = {
    "url": "https://partner.example/hooks/status",
    "description": "Status board of partner 7",
    "subscriber": "partner-7",
    "components": ["api"],
    "min_impact": "minor",
    "updates": "all",
    "format": "standard",
}

STATUSPAGE: Json = {
    "page": {"id": "k3v9q0c2m7xw", "status_indicator": "major", "status_description": "Partial System Outage"},
    "incident": {
        "id": "p31zjtct2jer",
        "name": "Elevated errors",
        "status": "investigating",
        "impact": "major",
        "created_at": "2026-08-01T09:58:03.114Z",
        "updated_at": "2026-08-01T09:58:03.150Z",
        "incident_updates": [
            {
                "id": "m2c8t5w0y9gb",
                "status": "investigating",
                "body": "We are looking into elevated errors.",
                "created_at": "2026-08-01T09:58:03.150Z",
                "updated_at": "2026-08-01T09:58:03.150Z",
                "deliver_notifications": True,
            }
        ],
        "components": [],
    },
}

ALERTS: Json = {
    "version": "4",
    "groupKey": '{}/{team="payments"}:{alertname="CheckoutErrors"}',
    "status": "firing",
    "receiver": "notifier",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "CheckoutErrors", "severity": "critical", "component": "checkout"},
            "annotations": {"summary": "Checkout errors above 5 %"},
            "startsAt": "2026-08-01T09:57:30.000Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "a3f1c09b7d22e845",
        }
    ],
}

UPTIME_KUMA: Json = {
    "heartbeat": {"monitorID": 7, "status": 0, "time": "2026-08-01 09:57:31.204", "msg": "connect ETIMEDOUT"},
    "monitor": {"id": 7, "name": "Checkout", "tags": [{"name": "component", "value": "checkout"}]},
    "msg": "[Checkout] [Down] connect ETIMEDOUT",
}

BETTER_STACK: Json = {
    "data": {
        "id": "204815",
        "type": "incident",
        "attributes": {
            "name": "Checkout",
            "cause": "Status 503",
            "status": "Started",
            "started_at": "2026-08-01T09:57:31.000Z",
            "resolved_at": None,
        },
    }
}

CLOUD_EVENT: Json = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/checks/eu",
    "type": "com.example.check.changed",
    "subject": "checkout-eu",
    "time": "2026-08-01T09:57:31Z",
    "data": {"status": "down", "component": "checkout", "severity": "critical", "title": "Checkout fails"},
}

MAIL_EVENTS: list[Json] = [
    {
        "email": "owner@bloemenhuis.example",
        "event": "delivered",
        "timestamp": 1785578431,
        "sg_event_id": "ZGVsLTE",
        "delivery_id": "dlv_01g63e5n1c8r3w2k5v7x9z0abc_aaaaaaaaaaabk",
    }
]
