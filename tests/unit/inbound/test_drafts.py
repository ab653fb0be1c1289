"""What a published draft claims."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.incidents.incident import Event
from notifier.domain.proposals.draft import Draft, DraftState
from notifier.inbound.drafts import DraftReader, read_template_patch

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DRAFT = Draft(
    id="drf_1",
    version=1,
    state=DraftState.OPEN,
    incident={"id": "inc-1", "title": {"en": "Slow"}, "impact": "minor", "components": []},
    update={"id": "upd-1", "status": "investigating", "body": {"en": "We look."}},
    event_id="draft:drf_1",
    reason="made by hand",
    author="key:admin",
    created_at=NOW,
    updated_at=NOW,
)


class Everything:
    """Knows every component and locale."""

    def check(self, event: Event) -> None:
        """Nothing is unknown."""


READER = DraftReader(Everything(), "en")


def test_a_sources_draft_without_components_claims_nothing_about_any() -> None:
    assert READER.event_of(DRAFT, NOW).incident.components_known
    assert not READER.event_of(replace(DRAFT, source="prometheus"), NOW).incident.components_known


def test_a_draft_is_posted_when_it_is_published_unless_it_says_otherwise() -> None:
    assert READER.event_of(DRAFT, NOW).update.posted_at == NOW
    said = replace(DRAFT, update={**DRAFT.update, "posted_at": "2026-12-01T08:00:00Z"})
    assert READER.event_of(said, NOW).update.posted_at.hour == 8


def test_a_patch_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be an object"):
        read_template_patch({}, b"[]")
