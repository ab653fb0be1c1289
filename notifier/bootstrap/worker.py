"""The use cases behind the tasks of a worker process."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from notifier.bootstrap.cached_property import cached_property
from notifier.bootstrap.container import Container
from notifier.domain.errors import NotifierError
from notifier.domain.values import Channel, QueueName
from notifier.observability import get_logger
from notifier.services.dispatch.attempt import Attempt, BatchAttempt
from notifier.services.dispatch.connection_affinity import ConnectionAffinity, NamedBatch
from notifier.services.dispatch.durable_write import RetryingTransaction
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.storage.deliveries.batches import Batch
from notifier.storage.notifications.notifications import StoredNotification

# A worker of the social queue never loads what mail and webhooks need, and vice versa.
if TYPE_CHECKING:
    from notifier.services.dispatch.email import MailAttempt
    from notifier.services.dispatch.social import PostAttempt
    from notifier.services.dispatch.webhook import HookAttempt
    from notifier.services.endpoints.recovery_probe import ProbeEndpoint
    from notifier.services.mail.transactional import SendTransactionalMail
    from notifier.services.team.webhook import PostTeamReminders

_log = get_logger(__name__)

_CHANNELS: Mapping[QueueName, Sequence[Channel]] = {
    QueueName.EMAIL: (Channel.EMAIL,),
    QueueName.WEBHOOK: (Channel.WEBHOOK,),
    QueueName.SOCIAL: (Channel.SOCIAL,),
    QueueName.RETRY: tuple(Channel),
    QueueName.BULK: (Channel.EMAIL,),
}


class _Closing(BatchAttempt, Protocol):
    def close(self) -> None: ...


Built = TypeVar("Built", bound=_Closing)


def _build_mail(container: Container, record: RecordOutcome) -> "MailAttempt":
    from notifier.bootstrap.mail import build  # noqa: PLC0415 - lanes that send no mail do without

    return build(container, record)


def _build_hooks(container: Container, record: RecordOutcome) -> "HookAttempt":
    from notifier.bootstrap.hooks import build  # noqa: PLC0415 - lanes that post no webhook do without

    return build(container, record)


def _build_posts(container: Container, record: RecordOutcome) -> "PostAttempt":
    from notifier.bootstrap.posts import build  # noqa: PLC0415 - lanes without social posts do without

    return build(container, record)


def _load(channel: Channel) -> None:
    """Preload what the first batch of a channel would otherwise wait for."""
    match channel:
        case Channel.EMAIL:
            import notifier.bootstrap.mail  # noqa: PLC0415 - as `_build_mail`
        case Channel.WEBHOOK:
            import notifier.bootstrap.hooks  # noqa: PLC0415 - as `_build_hooks`
        case Channel.SOCIAL:
            import notifier.bootstrap.posts  # noqa: F401, PLC0415 - as `_build_posts`


class _Late(Generic[Built]):
    """A channel's attempt, built with its first batch or during warm-up."""

    def __init__(
        self,
        container: Container,
        record: RecordOutcome,
        build: Callable[[Container, RecordOutcome], Built],
        opened: ExitStack,
    ) -> None:
        self._core, self._record, self._build, self._opened = container, record, build, opened

    @cached_property
    def built(self) -> Built:
        found = self._build(self._core, self._record)
        self._opened.callback(found.close)
        return found

    def attempt(self, batch: Batch, stored: StoredNotification) -> None:
        self.built.attempt(batch, stored)


def _warm_up(late: "_Late[MailAttempt] | _Late[HookAttempt]") -> None:
    """Build the attempt and preload its dependencies; leave errors to its first batch."""
    try:
        late.built.warm()
    except NotifierError as error:
        _log.warning("warm_up_failed", error=str(error))


class WorkerRuntime:
    """The use cases behind the tasks; see `workers.runtime.Runtime`."""

    def __init__(self, container: Container, queues: Sequence[QueueName]) -> None:
        """Open nothing; preload what the queues need, so that the first batch does not wait."""
        self._core = container
        self._stopping = threading.Event()
        self._live()
        transaction = RetryingTransaction(self._stopping, container.outcome_journal)
        record = RecordOutcome(
            container.database,
            container.clock,
            container.tasks,
            container.owner,
            metrics_sink=container.metrics_buffer,
            transaction=transaction,
            life=container.heartbeat,
        )
        self._opened = ExitStack()  # closes what was built, newest first
        mail = _Late(container, record, _build_mail, self._opened)
        self._hooks = _Late(container, record, _build_hooks, self._opened)
        posts = _Late(container, record, _build_posts, self._opened)
        channels: Mapping[Channel, BatchAttempt] = {
            Channel.EMAIL: mail,
            Channel.WEBHOOK: self._hooks,
            Channel.SOCIAL: posts,
        }
        self._attempt = Attempt(
            container.database,
            container.clock,
            container.tasks,
            container.owner,
            channels,
            container.settings.lease,
            container.translations,
            choice=ConnectionAffinity(Channel.WEBHOOK) if QueueName.WEBHOOK in queues else NamedBatch(),
            transaction=transaction,
        )
        # In a process that also serves urgent queues, waiting would occupy the slots they need.
        self._stands_back = all(queue.is_low_priority for queue in queues)
        self._planning = threading.Lock()
        for queue in queues:
            for channel in _CHANNELS.get(queue, ()):
                _load(channel)
        # In the background: templates and CLDR data of all languages take some tenths of a second.
        if QueueName.EMAIL in queues:
            threading.Thread(target=_warm_up, args=(mail,), name="warm-up", daemon=True).start()
        if QueueName.WEBHOOK in queues:
            threading.Thread(target=_warm_up, args=(self._hooks,), name="warm-up", daemon=True).start()

    def _live(self) -> None:
        """Start the heartbeat, and watch the other workers of this machine."""
        container = self._core
        container.worker_locks.acquire(container.owner)
        container.heartbeat.renew.append(container.dead_workers.check_locks)
        container.heartbeat.start()
        watch = threading.Thread(
            target=container.outcome_journal.watch, args=(self._stopping,), name="notes", daemon=True
        )
        watch.start()

    def announce(self, incident_id: str) -> object:
        """Announce an incident's due updates on every channel."""
        return self._core.announce.run(incident_id)

    def plan(self, notification_id: int) -> object:
        """Plan a notification's audience, or move it to the queue where it delays nothing."""
        if self._core.plan.is_low_priority(notification_id):
            self._core.producer.plan_low_priority(notification_id)
            return 0
        return self._core.plan.run(notification_id)

    def plan_low_priority(self, notification_id: int) -> object:
        """Plan while no first attempts wait.

        One at a time: the sweep enqueues it again until all is planned.
        """
        if not self._planning.acquire(blocking=False):
            return 0
        try:
            return self._core.plan_low_priority.run(notification_id)
        finally:
            self._planning.release()

    def attempt(self, batch_id: int) -> None:
        """Attempt a batch once."""
        if self._stands_back:
            self._core.yield_to_high_priority.wait()
        self._attempt.run(batch_id)

    @cached_property
    def _transactional_mail(self) -> "SendTransactionalMail":
        from notifier.bootstrap.mail import build_transactional_mail  # noqa: PLC0415 - as `_build_mail`

        found = build_transactional_mail(self._core)
        self._opened.callback(found.close)
        return found

    @cached_property
    def _team_webhook(self) -> "PostTeamReminders":
        from notifier.bootstrap.mail import build_team_webhook  # noqa: PLC0415 - as `_build_mail`

        found = build_team_webhook(self._core)
        self._opened.callback(found.close)
        return found

    def send_transactional_mail(self) -> object:
        """Send the transactional mail that is due, and the team's reminders."""
        return self._transactional_mail.run() + self._team_webhook.run()

    def probe(self, endpoint_id: int) -> None:
        """Probe a disabled endpoint."""
        self._probe.run(endpoint_id)

    @cached_property
    def _probe(self) -> "ProbeEndpoint":
        from notifier.bootstrap.hooks import build_probe  # noqa: PLC0415 - as `_build_hooks`

        return build_probe(self._core, self._hooks.built)

    def drain(self) -> None:
        """Prepare shutdown: stop waiting for the database, journal known outcomes."""
        self._stopping.set()
        self._core.outcome_journal.write_down()

    def close(self) -> None:
        """Close connections and loops."""
        self._stopping.set()
        self._opened.close()
        self._core.heartbeat.close()
        # The journal is for the process that finds this one dead.
        self._core.worker_locks.close(self._core.owner, forget=not self._core.outcome_journal.has_any())
        self._core.close()
