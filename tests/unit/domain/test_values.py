"""docs/glossary.md names every word of the closed vocabularies."""

from enum import StrEnum

import pytest

from notifier.domain.providers.breaker import ProviderState
from notifier.domain.recipients.audience import Exposure
from notifier.domain.values import Channel, ComponentStatus, DeliveryState, Impact, Outcome, Status, SubscriberKind
from tests.support.repository import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
VOCABULARIES = [
    Channel,
    ComponentStatus,
    DeliveryState,
    Impact,
    Outcome,
    ProviderState,
    Exposure,
    Status,
    SubscriberKind,
]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.__name__)
def test_every_word_is_explained(vocabulary: type[StrEnum]) -> None:
    assert [word.value for word in vocabulary if f"`{word}`" not in GLOSSARY] == []
