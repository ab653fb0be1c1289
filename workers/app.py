"""The Celery app of a worker process: every setting that differs from Celery's own, and why."""

from celery import Celery
from celery.signals import setup_logging

from notifier.domain.values import QueueName
from notifier.queueing.addresses import for_celery
from notifier.queueing.broker import VISIBILITY_SECONDS, queues


def build_app(broker_url: str, *, drain_seconds: float) -> Celery:
    """Return an app without tasks; connects to nothing yet."""
    url = for_celery(broker_url)
    app = Celery("notifier", broker=url, set_as_current=False)
    app.conf.update(
        # Messages are ids in JSON, and nobody waits for an answer: outcomes are rows.
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        # A message is acknowledged when its work is done; a worker that dies before leaves it to another one.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # One message per slot: what is waiting in this process nobody else can take.
        worker_prefetch_multiplier=1,
        # One queue per lane. A task without a queue would be a fault of ours; it would land where it is noticed first.
        task_queues=queues(),
        task_default_queue=QueueName.CONTROL.value,
        task_default_exchange="",
        task_default_routing_key=QueueName.CONTROL.value,
        task_create_missing_queues=False,
        # SIGTERM: no new messages, what is in hand is finished (warm). Where somebody asks twice, this long is granted.
        worker_soft_shutdown_timeout=drain_seconds,
        # The broker may be away when we start, and as long as it likes.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2.0,
        # It may also answer and take no writes (a Redis that became a replica, or is full): that is waited for too.
        broker_channel_error_retry=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options=_receiving_options(url),
        # Nobody steers workers through the broker; the supervisor and the database know how they fare.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    setup_logging.connect(_keep_our_logging, weak=False)
    return app


def _receiving_options(url: str) -> dict[str, object]:
    if url.startswith("amqp"):
        return {}
    return {
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 2.0,
        "socket_keepalive": True,
    }


def _keep_our_logging(**_signal: object) -> None:
    """Celery sets logging up unless somebody listens to this signal; ours stands already."""
