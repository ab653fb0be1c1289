"""Who waits for a translation, for how long, and whom one serves that comes later."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.incidents.translation import (
    TranslationPolicy,
    TranslationRule,
    completed,
    has_text,
    held_until,
    is_lacking,
    now_served,
)
from notifier.domain.values import Channel, Impact, Status

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HOLD = TranslationRule(policy=TranslationPolicy.HOLD, hold=timedelta(minutes=10))


def a_notice(*bodies: dict[str, str]) -> Notice:
    updates = tuple(
        NoticeUpdate(
            id=f"upd-{number}",
            status=Status.INVESTIGATING,
            impact=Impact.MINOR,
            body=body,
            posted_at=NOON + timedelta(minutes=number),
            sequence=number,
        )
        for number, body in enumerate(bodies, start=1)
    )
    incident = Incident(id="inc-1", title={"en": "Slow"}, impact=Impact.MINOR)
    return Notice(id="n", channel=Channel.SOCIAL, sequence=len(updates), incident=incident, updates=updates,
                  opens=False, closes=False, created_at=NOON)  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "locale", "found", "lacking"),
    [
        ({"nl": "Traag."}, "nl", True, False),
        ({"nl": "Traag."}, "nl-BE", True, False),
        ({"nl-BE": "Traag."}, "nl", True, False),
        ({"en": "Slow."}, "nl", False, True),
        ({"en": "Slow.", "nl": "  "}, "nl", False, True),
        ({}, "nl", False, False),
        ({"en": " "}, "nl", False, False),
    ],
)
def test_a_language_is_there_whatever_its_region(
    texts: dict[str, str], locale: str, *, found: bool, lacking: bool
) -> None:
    assert has_text(texts, locale) is found
    assert is_lacking(texts, locale) is lacking


def test_a_missing_language_is_waited_for_only_where_the_policy_says_so() -> None:
    notice = a_notice({"en": "Slow."})
    assert held_until(HOLD, notice, "nl", 0) == NOON + timedelta(minutes=11)
    assert held_until(HOLD, notice, "en", 0) is None
    for policy in (TranslationPolicy.FALLBACK, TranslationPolicy.SEND_AND_FOLLOW):
        assert held_until(TranslationRule(policy=policy), notice, "nl", 0) is None


def test_a_row_of_updates_holds_no_longer_than_the_oldest_of_them_may() -> None:
    notice = a_notice({"en": "One."}, {"en": "Two."}, {"en": "Three."})
    assert held_until(HOLD, notice, "nl", 0) == NOON + timedelta(minutes=11)
    assert held_until(HOLD, notice, "nl", 1) == NOON + timedelta(minutes=12)


def test_a_translation_adds_what_was_lacking_and_changes_nothing_else() -> None:
    notice = completed(
        a_notice({"en": "Slow."}), "upd-1", {"en": "Slower!", "nl": "Traag.", "de": " "}, {"nl": "Traag"}
    )
    assert notice.lead.body == {"nl": "Traag.", "en": "Slow."}
    assert notice.incident.title == {"nl": "Traag", "en": "Slow"}
    assert completed(notice, "upd-9", {"fr": "Lent."}, {}) == notice


def test_served_are_those_who_lacked_it() -> None:
    assert now_served({"en": "Slow."}, {"en": "Slow.", "nl": "Traag."}, ["nl-BE", "en", "fr", "nl"]) == ["nl", "nl-BE"]
    assert now_served({"nl": "Traag."}, {"nl": "Trager."}, ["nl"]) == []
