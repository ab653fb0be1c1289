"""Whom an explanation is asked for: an address, an endpoint, an account."""

from collections.abc import Callable
from typing import Any

import pytest

from notifier.domain.errors import NotFoundError, UnknownRecipientError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Impact
from notifier.services.inspection.explain import Explain
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage import tables as t
from notifier.storage.operations import installation
from notifier.storage.recipients import preferences
from tests.integration.services.inspection.explained import post_update, verdicts, why
from tests.support.pipeline_harness import PEPPER, Pipeline


def an_endpoint(pipeline: Pipeline, **changes: Any) -> None:
    with pipeline.database.write() as connection:
        wanted = preferences.ensure(connection, Preferences(channels=frozenset({Channel.WEBHOOK})))
        row = {
            "public_id": "end_1",
            "url": "https://partner.example/hook",
            "description": "",
            "subscriber": "shop",
            "preference_id": wanted,
            "types": [],
            "format": "standard",
            "mode": "every",
            "headers": {},
            "secrets": [],
            "state": "active",
            "state_reason": "",
            "created_at": pipeline.now,
            "updated_at": pipeline.now,
        }
        connection.execute(t.endpoint.insert().values(row | changes))


@pytest.mark.parametrize(
    ("changes", "stops", "words"),
    [
        ({}, {}, "is waiting to be sent"),
        (
            {"state": "disabled", "state_reason": "gone"},
            {"state": "stop"},
            "was not sent to you: the endpoint is disabled gone",
        ),
    ],
)
def test_the_endpoints_of_a_partner_are_explained_too(
    pipeline: Pipeline, changes: dict[str, Any], stops: dict[str, str], words: str
) -> None:
    pipeline.subscriber("shop")
    an_endpoint(pipeline, **changes)
    post_update(pipeline)
    by_mail, by_hook = why(pipeline)
    assert (by_mail["channel"], by_hook["channel"], by_hook["recipient"]) == ("email", "webhook", "end_1")
    assert verdicts(by_hook) == stops
    assert words in by_hook["words"]


def an_account(pipeline: Pipeline, name: str, *, active: bool = True) -> None:
    with pipeline.database.write() as connection:
        row = {"name": name, "platform": "x", "locale": "nl", "active": active}
        connection.execute(t.account.insert().values(row))


def test_an_endpoint_that_belongs_to_nobody_is_explained_by_its_own_id(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    an_endpoint(pipeline, subscriber=None, state="disabled", state_reason="gone")
    post_update(pipeline)
    actor = Actor("key:support", "192.0.2.7")
    with pipeline.database.write() as connection:
        record(connection, actor, "endpoint.enabled", Subject("endpoint", "end_1"), at=pipeline.now, detail={})
    found = pipeline.explain.recipient("inc-1", "end_1")
    (item,) = found["notifications"]
    assert (found["subscriber"], item["subscriber"], item["channel"]) == ("end_1", None, "webhook")
    assert verdicts(item) == {"state": "stop"}
    assert found["summary"] == "You were told 0 of 1 messages about this incident by webhook to end_1."
    assert [change["action"] for change in found["changes"]] == ["endpoint.enabled"]


def test_an_account_is_explained_by_its_name(pipeline: Pipeline) -> None:
    an_account(pipeline, "x-nl")
    an_account(pipeline, "x-old", active=False)
    post_update(pipeline)
    pipeline.settle_batches(DeliveryState.ACCEPTED)
    (posted,), (not_posted,) = why(pipeline, "x-nl"), why(pipeline, "x-old")
    assert (posted["told"], posted["recipient"], verdicts(posted)) == (True, "x-nl", {})
    assert verdicts(not_posted) == {"account": "stop"}
    assert not_posted["words"] == ("Message 1 (investigating) was not posted: the account is no longer configured.")
    summaries = [pipeline.explain.recipient("inc-1", name)["summary"] for name in ("x-nl", "x-old")]
    assert summaries == [f"{n} posted {k} of 1 messages about this incident." for n, k in (("x-nl", 1), ("x-old", 0))]
    (update_of_old,) = pipeline.explain.recipient("inc-1", "x-old")["updates"]
    assert update_of_old["words"].endswith("This account has not posted it.")


def test_an_address_stands_for_everybody_who_has_it(pipeline: Pipeline) -> None:
    with pipeline.database.write() as connection:
        installation.put(connection, installation.PEPPER, PEPPER)
    pipeline.subscriber("first", email="owner@example.com")
    pipeline.subscriber("second", Preferences(min_impact=Impact.CRITICAL), email="owner@example.com")
    pipeline.subscriber("other")
    post_update(pipeline)
    pipeline.settle_batches(DeliveryState.DELIVERED)
    found = pipeline.explain.recipient("inc-1", " owner@EXAMPLE.com ")
    assert [item["subscriber"] for item in found["notifications"]] == ["first", "second"]
    assert [verdicts(item) for item in found["notifications"]] == [{}, {"min_impact": "stop"}]
    assert "as first." in found["summary"]
    assert "as second." in found["summary"]
    assert not any("has not reached you" in item["words"] for item in found["updates"])


@pytest.mark.parametrize("asked", ["nobody", "nobody@example.com", "@", "end_2", "x-nl", ""])
def test_who_is_nobody_is_refused_by_field_and_not_repeated(pipeline: Pipeline, asked: str) -> None:
    pipeline.subscriber("shop")
    post_update(pipeline)
    with pytest.raises(
        UnknownRecipientError, match=r"^subscriber: names nobody we know: give the external id"
    ) as refused:
        pipeline.explain.recipient("inc-1", asked)
    assert "nobody@" not in str(refused.value)


@pytest.mark.parametrize("ask", [lambda e: e.recipient("inc-9", "shop"), lambda e: e.recipient("inc-1", "nobody")])
def test_an_unknown_incident_or_subscriber_is_named(pipeline: Pipeline, ask: Callable[[Explain], object]) -> None:
    pipeline.subscriber("shop")
    post_update(pipeline)
    with pytest.raises(NotFoundError):
        ask(pipeline.explain)
