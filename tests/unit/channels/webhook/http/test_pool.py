from types import SimpleNamespace

from notifier.channels.webhook.delivery.limits import ResponseLimits
from notifier.channels.webhook.http.connection import HttpConnection
from notifier.channels.webhook.http.pool import IdlePool

KEY = ("https", "partner.example", 443)


class FakeConnection(HttpConnection):
    """A connection that is open until it is aborted."""

    def __init__(self, address: str = "8.8.8.8") -> None:
        super().__init__(ResponseLimits(), lambda _: None)
        self.address = address
        self.is_open = True

    @property
    def reusable(self) -> bool:
        return self.is_open

    def abort(self) -> None:
        self.is_open = False


def a_pool(limit: int = 10) -> tuple[IdlePool, SimpleNamespace]:
    clock = SimpleNamespace(now=0.0)
    return IdlePool(limit=limit, seconds=60, clock=lambda: float(clock.now)), clock


def test_the_most_recently_used_connection_to_a_vetted_address_is_taken() -> None:
    pool, _ = a_pool()
    first, second, elsewhere = FakeConnection(), FakeConnection(), FakeConnection("9.9.9.9")
    for connection in (first, second, elsewhere):
        pool.give(KEY, connection)
    assert pool.take(KEY, ("8.8.8.8", "1.1.1.1")) is second
    assert pool.take(KEY, ("8.8.8.8",)) is first
    assert pool.take(KEY, ("8.8.8.8",)) is None
    assert pool.take(("https", "other.example", 443), ("9.9.9.9",)) is None
    assert len(pool) == 1


def test_a_connection_that_was_closed_is_not_taken() -> None:
    pool, _ = a_pool()
    connection = FakeConnection()
    pool.give(KEY, connection)
    connection.is_open = False
    assert pool.take(KEY, ("8.8.8.8",)) is None
    pool.forget(connection)
    pool.forget(connection)
    assert len(pool) == 0


def test_a_full_pool_keeps_what_it_has() -> None:
    pool, _ = a_pool(limit=2)
    kept, newcomer = [FakeConnection(), FakeConnection()], FakeConnection()
    for connection in (*kept, newcomer):
        pool.give(KEY, connection)
    assert [connection.is_open for connection in (*kept, newcomer)] == [True, True, False]
    assert len(pool) == 2


def test_connections_idle_for_too_long_make_room() -> None:
    pool, clock = a_pool(limit=2)
    old, young, newcomer = FakeConnection(), FakeConnection(), FakeConnection()
    pool.give(KEY, old)
    clock.now = 30.0
    pool.give(KEY, young)
    clock.now = 60.0
    pool.give(KEY, newcomer)
    assert [old.is_open, young.is_open, newcomer.is_open] == [False, True, True]
    clock.now = 200.0
    pool.sweep()
    assert len(pool) == 0
    assert not young.is_open


def test_closing_closes_all() -> None:
    pool, _ = a_pool()
    connections = [FakeConnection() for _ in range(3)]
    for connection in connections:
        pool.give(KEY, connection)
    pool.close()
    assert not any(connection.is_open for connection in connections)
    assert pool.close_oldest() is False


def test_a_pool_without_room_closes_what_it_is_given() -> None:
    pool, _ = a_pool(limit=0)
    connection = FakeConnection()
    pool.give(KEY, connection)
    assert not connection.is_open
