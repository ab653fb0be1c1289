"""Fake endpoints: rows in a real database, and an engine controlled by the test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select

from notifier.channels.webhook_keys import new_secret
from notifier.domain.errors import DeliveryError, TransientDeliveryError
from notifier.domain.messages.brand import Brand
from notifier.domain.messages.message import HookRequest, HookResult
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, QueueName, Reason
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.dispatch.attempt import Attempt
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.dispatch.webhook import HookAttempt
from notifier.services.endpoints.health import RecordEndpointHealth
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.endpoints.watch import write_mail
from notifier.services.security.secretbox import SecretBox
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries
from notifier.storage.recipients import preferences
from tests.support.pipeline_harness import Pipeline

BRAND = Brand(
    name={"en": "MyOnlineStore"},
    from_email={"en": "status@shop.example"},
    default_locale="en",
    locales=("en",),
    timezone="Europe/Amsterdam",
)
Answer = Callable[[HookRequest], DeliveryError | None]


def down(_request: HookRequest) -> DeliveryError:
    return TransientDeliveryError(Reason.SERVER_ERROR, "HTTP 503", status=503)


@dataclass
class Line:
    """An engine without a network: each URL answers as in `answers`, otherwise 200."""

    clock: Callable[[], datetime]
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[HookRequest] = field(default_factory=list)
    dies_after: int | None = None  # results reported before the worker dies

    def deliver(
        self,
        requests: Sequence[HookRequest],
        *,
        on_results: Callable[[Sequence[HookResult]], None] | None = None,
        retry: bool = False,
        wait_for_slow: bool = True,
        start_before: datetime | None = None,
        may_start: Callable[[], bool] = lambda: True,
    ) -> list[HookResult]:
        del retry, wait_for_slow, start_before, may_start
        self.requests += requests
        results = [self._result(request) for request in requests]
        if self.dies_after is not None:
            assert on_results is not None
            on_results(results[: self.dies_after])
            raise WorkerVanished
        if on_results is not None:
            on_results(results)
        return results

    def _result(self, request: HookRequest) -> HookResult:
        answer = self.answers.get(request.url)
        error = answer(request) if answer is not None else None
        return HookResult(
            delivery_id=request.delivery_id,
            endpoint_id=request.endpoint_id,
            started_at=self.clock(),
            duration_ms=7,
            status=200 if error is None else error.status,
            excerpt="ok" if error is None else "",
            error=error,
        )

    def open(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """Nothing was opened."""


class WorkerVanished(BaseException):
    """Like kill -9: nothing handles it."""


@dataclass
class EndpointHarness:
    """A pipeline whose webhooks the test attempts."""

    pipeline: Pipeline
    line: Line
    attempt: Attempt
    hooks: HookAttempt

    def endpoint(self, name: str, preferences_: Preferences | None = None, **columns: Any) -> int:
        """Add an active endpoint at `https://<name>.example/`; returns its key."""
        with self.pipeline.database.write() as connection:
            chosen = preferences_ or Preferences(channels=frozenset({Channel.WEBHOOK}))
            row = {
                "public_id": f"end_{name}",
                "url": url_of(name),
                "description": "",
                "preference_id": preferences.ensure(connection, chosen),
                "types": [],
                "format": "standard",
                "mode": "every",
                "headers": {},
                "secrets": self.hooks.secrets.first(new_secret()),
                "state": "active",
                "state_reason": "",
                "created_at": self.pipeline.now,
                "updated_at": self.pipeline.now,
            }
            statement = t.endpoint.insert().values(row | columns).returning(t.endpoint.c.id)
            return int(connection.execute(statement).scalar_one())

    def row(self, name: str) -> Any:
        """Return an endpoint's row."""
        with self.pipeline.database.read() as connection:
            return connection.execute(select(t.endpoint).where(t.endpoint.c.public_id == f"end_{name}")).one()

    def work(self) -> None:
        """Plan and attempt what is enqueued, until nothing is left to do now."""
        tasks = self.pipeline.tasks
        while tasks.plans or tasks.attempts:
            self.pipeline.plan_all()
            enqueued, tasks.attempts = tasks.attempts, []
            for queue, batch_id in enqueued:
                if queue in (QueueName.WEBHOOK, QueueName.RETRY):
                    self.attempt.run(batch_id)

    def later(self, seconds: float) -> None:
        """Advance the time, sweep, and work."""
        self.pipeline.later(seconds)
        self.work()

    def lease_ends(self) -> None:
        """Let the lease of a dead worker expire."""
        self.later(LEASE / timedelta(seconds=1) + 1)

    def received(self, name: str) -> list[dict[str, Any]]:
        """Return the messages posted to an endpoint, oldest first."""
        return [orjson.loads(request.body) for request in self.posted(name)]

    def posted(self, name: str) -> list[HookRequest]:
        """Return the requests posted to an endpoint, whatever its answers."""
        return [request for request in self.line.requests if request.url == url_of(name)]

    def states(self, name: str) -> list[tuple[str, str | None, int]]:
        """Return (state, reason, attempts) of an endpoint's deliveries, oldest notification first."""
        found = []
        number = self.row(name).id
        for notice in self.pipeline.notices(Channel.WEBHOOK):
            with self.pipeline.database.read() as connection:
                row = deliveries.get(connection, notice.id, number)
            if row is not None:
                found.append((row.state, row.reason, row.attempts))
        return found

    def tries(self, name: str) -> list[tuple[int, str, str | None]]:
        """Return (number, outcome, reason) of an endpoint's recorded attempts, oldest first."""
        a = t.attempt.c
        with self.pipeline.database.read() as connection:
            rows = connection.execute(
                select(a.number, a.outcome, a.reason).where(a.recipient_key == self.row(name).id).order_by(a.id)
            ).all()
        return [(row.number, row.outcome, row.reason) for row in rows]


def url_of(name: str) -> str:
    """Return the URL of an endpoint by name."""
    return f"https://{name}.example/"


def endpoint_harness(database: Database) -> EndpointHarness:
    """Return a pipeline without endpoints."""
    pipeline = Pipeline(database)
    line = Line(pipeline.clock)
    record = RecordOutcome(database, pipeline.clock, pipeline.tasks, "worker", spread=lambda: 0.0)
    secrets = EndpointSecrets(SecretBox(["k" * 32], "endpoint"))
    renderer = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
    hooks = HookAttempt(
        database,
        pipeline.clock,
        renderer,
        line,
        secrets,
        RecordEndpointHealth(write_mail),
        record,
        pipeline.regroup,
        spread=lambda: 0.0,
    )
    attempt = Attempt(database, pipeline.clock, pipeline.tasks, "worker", {Channel.WEBHOOK: hooks})
    return EndpointHarness(pipeline, line, attempt, hooks)
