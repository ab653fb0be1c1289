"""The Celery app of a worker process: every non-default setting, and why."""

from celery import Celery
from celery.signals import setup_logging

from notifier.domain.values import QueueName
from notifier.queueing.addresses import for_celery
from notifier.queueing.broker import VISIBILITY_SECONDS, queues


def build_app(broker_url: str, *, drain_seconds: float) -> Celery:
    """Return an app without tasks; opens no connection."""
    url = for_celery(broker_url)
    app = Celery("notifier", broker=url, set_as_current=False)
    app.conf.update(
        # Messages are ids in JSON; there are no results: outcomes are stored in the database.
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        # Acknowledge after the work: if a worker dies, another one gets the message.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # One message per slot: no other worker can take messages that wait in this process.
        worker_prefetch_multiplier=1,
        # A task sent without a queue is a bug; the default queue is where it is noticed first.
        task_queues=queues(),
        task_default_queue=QueueName.CONTROL.value,
        task_default_exchange="",
        task_default_routing_key=QueueName.CONTROL.value,
        task_create_missing_queues=False,
        # SIGTERM: take no new messages, finish the current ones (warm). A second signal grants this
        # long.
        worker_soft_shutdown_timeout=drain_seconds,
        # The broker may be down when we start, for any length of time.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=2.0,
        # It may also answer but refuse writes (a Redis that became a replica, or is full): wait as
        # well.
        broker_channel_error_retry=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options=_receiving_options(url),
        # Workers are not controlled through the broker; the supervisor and the database have their
        # state.
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
    """Keep our logging: Celery configures its own unless something listens to this signal."""
