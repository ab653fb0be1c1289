"""Reads a body as a source of the tests would send it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from notifier.domain.messages.brand import Component
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.sources.kinds import PARSERS
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.settings.sources import SourceSection

NOW = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
OURS = ComponentNames(
    [
        Component(key="checkout", name={"en": "Checkout", "nl": "Afrekenen"}),
        Component(key="storefront", name={"en": "Storefront"}),
    ]
)


def rules_of(kind: SourceKind, **settings: Any) -> ReadingRules:
    section = SourceSection.model_validate({"name": "it", "kind": kind} | settings)
    return ReadingRules(source=section.rules(), components=OURS, locale="en")


def reports(
    kind: SourceKind, body: object, *, headers: Mapping[str, str] | None = None, **settings: Any
) -> Sequence[Report]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = InboundRequest(body=data, received_at=NOW, headers=headers or {"content-type": "application/json"})
    return PARSERS[kind](request, rules_of(kind, **settings))
