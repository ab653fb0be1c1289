"""Nudges through a server that comes and goes."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifier.domain.values import QueueName
from notifier.queueing import embedded
from notifier.queueing.broker import redis_client
from notifier.queueing.producer import UNKNOWN_DEPTH, Producer


@pytest.fixture
def producer(data_dir: Path) -> Iterator[Producer]:
    made = Producer(embedded.ensure(data_dir))
    yield made
    made.close()


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "redis" / "server.pid").read_text())


# Far above what a busy machine needs, far below what it would take if every message waited for the broker.
NO_WAIT_EACH = 10.0


def seconds_of(action: Callable[[], object]) -> float:
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def test_each_lane_is_counted_apart(producer: Producer) -> None:
    assert producer.announce("inc-1")
    producer.plan(3)
    producer.attempt(QueueName.EMAIL, [1, 2, 3])
    producer.attempt(QueueName.RETRY, [4])
    assert producer.depths() == {
        QueueName.CONTROL: 2,
        QueueName.EMAIL: 3,
        QueueName.SOCIAL: 0,
        QueueName.WEBHOOK: 0,
        QueueName.RETRY: 1,
        QueueName.BULK: 0,
    }
    assert producer.depth(QueueName.EMAIL) == 3
    assert producer.trouble() is None


def test_a_flush_loses_messages_and_nothing_else(data_dir: Path, producer: Producer) -> None:
    producer.attempt(QueueName.EMAIL, [1, 2])
    with redis_client(embedded.ensure(data_dir)) as client:
        client.flushall()
        assert producer.announce("inc-2")
        assert client.keys("*") == ["control"]
    assert producer.depth(QueueName.EMAIL) == 0


def test_with_a_dead_server_nobody_waits_and_nothing_is_raised(
    data_dir: Path, producer: Producer, until: Callable[..., None]
) -> None:
    assert producer.announce("inc-1")
    os.kill(server_pid(data_dir), signal.SIGKILL)
    until(lambda: producer.trouble() is not None)
    sent: list[bool] = []
    assert seconds_of(lambda: sent.extend(producer.announce(f"inc-{number}") for number in range(100))) < NO_WAIT_EACH
    assert not any(sent)
    assert seconds_of(lambda: producer.attempt(QueueName.EMAIL, range(1000))) < NO_WAIT_EACH
    assert producer.depth(QueueName.EMAIL) == UNKNOWN_DEPTH
    assert producer.depths() == {}
    assert producer.trouble() is not None


def test_when_the_server_is_back_messages_flow_again(
    data_dir: Path, producer: Producer, until: Callable[..., None]
) -> None:
    producer.announce("inc-1")
    os.kill(server_pid(data_dir), signal.SIGKILL)
    until(lambda: not producer.announce("inc-2"))
    embedded.ensure(data_dir)
    until(lambda: producer.announce("inc-3"))
    assert producer.depth(QueueName.CONTROL) >= 2


@pytest.mark.slow
def test_a_server_that_hangs_costs_one_wait_not_one_per_message(data_dir: Path, producer: Producer) -> None:
    producer.announce("inc-1")
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not producer.announce("inc-2")
        assert seconds_of(lambda: [producer.announce("inc-3") for _ in range(50)]) < NO_WAIT_EACH
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_broker_that_answers_and_takes_nothing_is_in_trouble(data_dir: Path, producer: Producer) -> None:
    with redis_client(embedded.ensure(data_dir)) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        assert "takes no messages" in (producer.trouble() or "")
        client.config_set("maxmemory", 0)
        assert producer.trouble() is None
        client.replicaof("127.0.0.1", "1")
        assert "takes no messages" in (producer.trouble() or "")
        client.replicaof("no", "one")
        assert producer.trouble() is None


def test_many_threads_share_one_producer(producer: Producer) -> None:
    threads = [threading.Thread(target=producer.attempt, args=(QueueName.BULK, range(50))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert producer.depth(QueueName.BULK) == 600


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//", "redis+socket:///nowhere/at/all.sock"]
)
def test_a_broker_that_is_not_there_is_no_error(url: str) -> None:
    absent = Producer(url)
    try:
        assert seconds_of(lambda: absent.announce("inc-1")) < NO_WAIT_EACH
        assert not absent.announce("inc-1")
        assert absent.depth(QueueName.EMAIL) == UNKNOWN_DEPTH
        assert absent.trouble() == "the broker does not answer"
    finally:
        absent.close()
