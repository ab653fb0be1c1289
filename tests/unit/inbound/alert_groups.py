"""Groups of alerts as Alertmanager posts them."""

import json
from datetime import UTC, datetime
from typing import Any

from notifier.domain.incidents.alert_group import AlertGroup, AlertWording
from notifier.domain.messages.brand import Component
from notifier.inbound.alert_texts import neutral_texts
from notifier.inbound.alertmanager import AlertRules, parse_alerts
from notifier.inbound.integrations import ComponentNames

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)

RULES = AlertRules(components=ComponentNames([Component(key="checkout", name={"en": "Checkout", "nl": "Afrekenen"})]))
WORDING = AlertWording(texts=neutral_texts(["en", "nl"]), locale="en")


def an_alert(status: str = "firing", fingerprint: str = "a1", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-08-01T09:57:30.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


def group(*alerts: dict[str, Any], rules: AlertRules = RULES, **changes: Any) -> AlertGroup:
    status = "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved"
    data = {"version": "4", "groupKey": "{}:{a}", "status": status, "alerts": list(alerts)} | changes
    return parse_alerts(json.dumps(data).encode(), source="prom", rules=rules)
