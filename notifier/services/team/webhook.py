"""Post the team's reminders to its webhook, with the retries of any webhook."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

import orjson

from notifier.domain.errors import DeliveryError
from notifier.domain.messages.transactional_mail import TransactionalKind, TransactionalMail
from notifier.domain.providers.retry import GiveUp, TryAgain, after_failure
from notifier.domain.values import Channel
from notifier.observability import get_logger
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail

_log = get_logger(__name__)
_AT_ONCE = 5
_LEASE = timedelta(minutes=5)  # longer than five posts to a slow receiver
_TYPE = "team.reminder"


class TeamHook(Protocol):
    """Posts to the team's webhook (`channels/team_webhook.py`)."""

    def post(self, body: bytes) -> None:
        """Post a JSON body; raises `DeliveryError`."""

    def close(self) -> None:
        """Close its connections."""


@dataclass(frozen=True)
class PostTeamReminders:
    """Posts what is due. `hook` is None if no webhook is configured: what was queued is dropped."""

    database: Database
    clock: Clock
    hook: TeamHook | None
    owner: str
    isolate: Isolate = UNGUARDED
    spread: Callable[[], float] = field(default=random.random)

    def run(self) -> int:
        """Post the reminders that are due, at most five; returns how many were attempted."""
        with self.database.write() as connection:
            taken = transactional_mail.claim(
                connection,
                owner=self.owner,
                now=self.clock(),
                lease=_LEASE,
                limit=_AT_ONCE,
                kinds=(TransactionalKind.TEAM_WEBHOOK,),
            )
        for post in taken:
            self.isolate.run("letter", str(post.id), partial(self._attempt, post), partial(self._finish, post))
        return len(taken)

    def _attempt(self, post: TransactionalMail) -> None:
        with self.database.read() as connection:
            if not transactional_mail.is_held(connection, post, self.owner):
                return  # this process was suspended: another one has it
        follows = self._post(post)
        with self.database.write() as connection:
            if isinstance(follows, GiveUp):
                self._finish(post, connection)
            else:
                due = self.clock() + follows.wait
                transactional_mail.put_off(connection, post, self.owner, due, counts=follows.counts)

    def _post(self, post: TransactionalMail) -> TryAgain | GiveUp:
        """Post once; `GiveUp` also means that it arrived."""
        if self.hook is None or self.clock() >= post.expires_at:
            return GiveUp()
        try:
            self.hook.post(orjson.dumps({"type": _TYPE, **(post.detail or {})}))
        except DeliveryError as error:
            follows = after_failure(Channel.WEBHOOK, post.attempts, error, spread=self.spread())
            given_up = isinstance(follows, GiveUp)
            _log.warning("team_webhook_failed", mail_id=post.id, reason=error.reason.value, given_up=given_up)
            return follows
        return GiveUp()

    def _finish(self, post: TransactionalMail, connection: Connection) -> None:
        transactional_mail.finish(connection, post, self.owner)

    def close(self) -> None:
        """Close the webhook's connections."""
        if self.hook is not None:
            self.hook.close()
