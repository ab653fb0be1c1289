"""Turns kept by processes that share a Redis; when it goes, each process goes on among its own threads."""

import threading
import time
from pathlib import Path

from notifier.queueing import embedded
from notifier.queueing.account_lock import LocalAccountLock, RedisAccountLock
from notifier.queueing.addresses import embedded_url


def test_two_workers_speak_one_after_the_other_and_alone_when_redis_is_gone(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    one, other = (RedisAccountLock(embedded_url(data_dir), lease=30.0, patience=0.2) for _ in range(2))
    with one.take("x-nl") as first:
        assert first
        with other.take("x-nl") as second:
            assert not second
        with other.take("x-en") as elsewhere:
            assert elsewhere
    with other.take("x-nl") as second:
        assert second
    assert embedded.stop(data_dir)
    with one.take("x-nl") as alone, other.take("x-nl") as too:
        assert alone
        assert too
    one.close()
    other.close()


def test_a_turn_that_a_dead_worker_had_ends_with_its_lease(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    dead = RedisAccountLock(embedded_url(data_dir), lease=0.3, patience=10.0)
    living = RedisAccountLock(embedded_url(data_dir), lease=30.0, patience=10.0)
    turn = dead.take("x-nl")
    assert turn.__enter__()
    with living.take("x-nl") as ours:
        assert ours
        turn.__exit__(None, None, None)  # the dead one wakes up again and does not take it away
        other = RedisAccountLock(embedded_url(data_dir), lease=30.0, patience=0.05)
        with other.take("x-nl") as stolen:
            assert not stolen
        other.close()
    dead.close()
    living.close()


def test_threads_of_one_process_take_turns() -> None:
    account_lock = LocalAccountLock(patience=0.05)
    refused: list[bool] = []

    def ask() -> None:
        with account_lock.take("x-nl") as ours:
            refused.append(not ours)

    with account_lock.take("x-nl") as first:
        assert first
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    ask()
    assert refused == [True, False]


def test_a_turn_lasts_beyond_its_lease_while_its_worker_renews_it(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    slow = RedisAccountLock(embedded_url(data_dir), lease=0.4, patience=0.05)
    other = RedisAccountLock(embedded_url(data_dir), lease=30.0, patience=0.05)
    with slow.take("x-nl") as ours:
        assert ours
        began = time.monotonic()
        while time.monotonic() < began + 1.0:
            slow.renew()
            with other.take("x-nl") as stolen:
                assert not stolen
    slow.renew()  # nothing is had any more
    with other.take("x-nl") as free:
        assert free
    slow.close()
    other.close()
