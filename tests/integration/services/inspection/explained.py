"""Explanations of what became of an incident's messages to one subscriber."""

from datetime import timedelta
from typing import Any

from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, Status
from notifier.storage.recipients import suppressions
from tests.support.pipeline_harness import START, Pipeline, key_of


def post_update(pipeline: Pipeline, status: Status = Status.INVESTIGATING, **incident: Any) -> None:
    pipeline.post(status, **incident)
    pipeline.plan_all()


def why(pipeline: Pipeline, who: str = "shop") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pipeline.explain.recipient("inc-1", who)["notifications"]
    return found


def verdicts(item: dict[str, Any]) -> dict[str, str]:
    return {rule["rule"]: rule["verdict"] for rule in item["rules"] if rule["verdict"] != "pass"}


def stopped(pipeline: Pipeline, reason: SuppressionReason) -> None:
    with pipeline.database.write() as connection:
        item = Suppression(channel=Channel.EMAIL, reason=reason, since=START - timedelta(days=1))
        suppressions.add(connection, key_of("shop"), item)
