"""Alertmanager posts a cluster's alerts to an installation whose clock the test moves."""

from datetime import UTC, datetime, timedelta

from notifier.inbound.sources.alert_texts import neutral_texts
from notifier.services.events.auto_resolve import AutoResolve
from tests.functional.api.api_client import Api

START = datetime(2026, 8, 1, 9, 57, 30, tzinfo=UTC)

PROM = "/v1/inbound/alertmanager/prom"


class Clock:
    def __init__(self) -> None:
        self.now = START + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now


def calm(api: Api, clock: Clock) -> int:
    container = api.container
    return AutoResolve(container.database, clock, container.ingest, neutral_texts(["en", "nl"])).run()
