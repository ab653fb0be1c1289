"""The worker's app: its settings, its tasks, its command line."""

import pytest

from notifier.domain.errors import ConfigError
from notifier.domain.values import QueueName
from notifier.queueing.broker import VISIBILITY_SECONDS, queues
from workers.app import build_app
from workers.main import parse_queues


def test_a_message_is_kept_until_its_work_is_done() -> None:
    conf = build_app("redis://127.0.0.1:1", drain_seconds=5).conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS


def test_rabbitmq_is_given_no_option_of_redis() -> None:
    assert build_app("amqp://127.0.0.1:1//", drain_seconds=5).conf.broker_transport_options == {}


def test_every_lane_is_a_queue_that_needs_no_binding() -> None:
    assert [(queue.name, queue.exchange.name, queue.routing_key) for queue in queues()] == [
        (queue.value, "", queue.value) for queue in QueueName
    ]


def test_queues_are_named_on_the_command_line() -> None:
    assert parse_queues("email, retry,email") == (QueueName.EMAIL, QueueName.RETRY)
    assert parse_queues(None) == parse_queues("") == tuple(QueueName)
    with pytest.raises(ConfigError, match="--queues: 'mail' is no queue; there are bulk, control"):
        parse_queues("mail")
