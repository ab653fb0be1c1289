"""Why somebody was, or was not, told: ten causes, each named."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from notifier.domain.audience import Preferences
from notifier.domain.errors import NotFoundError
from notifier.domain.values import DeliveryState, Impact, Status, Wanted
from notifier.services.explain import Explain
from notifier.storage import tables as t
from notifier.storage.engine import Database
from tests.spine import Spine


def _tell(spine: Spine, **incident: Any) -> None:
    spine.post(Status.INVESTIGATING, **{"components": ("checkout",), **incident})
    spine.plan_all()


def _stopped_by(spine: Spine, who: str = "shop") -> list[str]:
    (first, *_) = Explain(spine.database)("inc-1", who)["notifications"]
    assert first["told"] is False
    return [rule["rule"] for rule in first["rules"] if not rule["passed"]]


@pytest.mark.parametrize(
    ("preferences", "incident", "rule"),
    [
        (Preferences(channels=frozenset()), {}, "channel"),
        (Preferences(components=frozenset({"api"})), {}, "components"),
        (Preferences(min_impact=Impact.CRITICAL), {}, "min_impact"),
        (Preferences(maintenance=False), {"impact": Impact.MAINTENANCE}, "maintenance"),
        (Preferences(updates=Wanted.RESOLUTION), {}, "updates"),
    ],
)
def test_the_preference_that_kept_a_message_away_is_named(
    database: Database, preferences: Preferences, incident: dict[str, object], rule: str
) -> None:
    spine = Spine(database)
    spine.subscriber("shop", preferences)
    _tell(spine, **incident)
    assert _stopped_by(spine) == [rule]


def test_somebody_who_unsubscribed_before_is_told_so(database: Database) -> None:
    spine = Spine(database)
    spine.subscriber("shop", state="unsubscribed")
    _tell(spine)
    assert _stopped_by(spine) == ["state"]


def test_who_did_not_hear_the_beginning_learns_why_the_end_was_not_sent(database: Database) -> None:
    spine = Spine(database)
    spine.subscriber("shop", Preferences(components=frozenset({"api"})))
    _tell(spine)
    spine.post(Status.RESOLVED, components=("checkout", "api"))
    spine.plan_all()
    last = Explain(spine.database)("inc-1", "shop")["notifications"][-1]
    assert "had not been told that it began" in last["words"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeliveryState.ACCEPTED, "was taken by the mail provider"),
        (DeliveryState.FAILED, "could not be sent"),
        (DeliveryState.BOUNCED, "refused it"),
    ],
)
def test_what_became_of_a_delivery_is_said_in_words(database: Database, state: DeliveryState, words: str) -> None:
    spine = Spine(database)
    spine.subscriber("shop")
    _tell(spine)
    spine.settle_batches(state)
    (told,) = Explain(spine.database)("inc-1", "shop")["notifications"]
    assert words in told["words"]
    assert all(rule["passed"] for rule in told["rules"])


def test_a_message_that_was_replaced_says_by_what(database: Database) -> None:
    spine = Spine(database)
    spine.subscriber("shop")
    _tell(spine)
    spine.post(Status.RESOLVED)
    spine.plan_all()
    first, last = Explain(spine.database)("inc-1", "shop")["notifications"]
    assert "replaced" in first["words"]
    assert "waiting to be sent" in last["words"]


def test_preferences_changed_since_do_not_rewrite_what_happened(database: Database) -> None:
    spine = Spine(database)
    spine.subscriber("shop", state="unsubscribed")
    _tell(spine)
    with spine.database.write() as connection:
        connection.execute(update(t.subscriber).values(state="active"))
    (told,) = Explain(spine.database)("inc-1", "shop")["notifications"]
    assert "changed since" in told["words"]


@pytest.mark.parametrize("ask", [lambda e: e("inc-9", "shop"), lambda e: e("inc-1", "nobody")])
def test_an_unknown_incident_or_subscriber_is_named(database: Database, ask: Callable[[Explain], object]) -> None:
    spine = Spine(database)
    spine.subscriber("shop")
    _tell(spine)
    with pytest.raises(NotFoundError):
        ask(Explain(database))
