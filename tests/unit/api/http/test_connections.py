from ipaddress import ip_network

import pytest

from notifier.api.http.connections import ConnectionLimits, ConnectionTable


class FakeClient:
    """A connection that remembers how it ended."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self.quiet_since: float | None = None
        self.busy_since = 0.0
        self.head_since: float | None = None
        self.is_answered = self.is_producer = self.is_sending_body = False
        self.bytes_unsent = 0
        self.ended: str | None = None

    def unsent(self) -> int:
        return self.bytes_unsent

    def end(self) -> None:
        self.ended = "closed"

    def time_out(self) -> None:
        self.ended = "timed out"

    def abort(self) -> None:
        self.ended = "aborted"


class Table:
    """A table of four places, and a clock."""

    def __init__(self, **limits: float) -> None:
        self.now = 1000.0
        self.reasons: list[str] = []
        wanted = ConnectionLimits(**({"most": 4, "most_per_address": 2} | limits))  # type: ignore[arg-type]
        networks = [ip_network("10.0.0.0/8")]
        self.table = ConnectionTable(wanted, uncapped=networks, count=self.reasons.append, clock=lambda: self.now)

    def client(self, address: str = "127.0.0.1") -> FakeClient:
        found = FakeClient(address)
        self.now += 1
        assert self.table.admit(found)
        return found

    def reader(self) -> FakeClient:
        return self.answered(self.client())

    def answered(self, client: FakeClient) -> FakeClient:
        self.table.busy(client)
        client.is_answered = True
        self.now += 0.01
        self.table.quiet(client)
        return client

    def producer(self) -> FakeClient:
        found = self.client()
        found.is_producer = True
        return self.answered(found)

    def busy(self, *, sending: bool = False) -> FakeClient:
        found = self.client()
        self.table.busy(found)
        found.is_sending_body = sending
        return found


def ends(*clients: FakeClient) -> list[str | None]:
    return [client.ended for client in clients]


def test_the_longest_idle_connection_gives_way() -> None:
    table = Table()
    first, second, third, silent = table.reader(), table.reader(), table.reader(), table.client()
    table.answered(first)
    table.client()
    assert ends(first, second, third, silent) == [None, "closed", None, None]
    table.client()
    assert ends(first, third, silent) == [None, "closed", None]
    assert len(table.table) == 4
    assert table.reasons == ["full", "full"]


def test_a_producers_connection_and_a_request_in_hand_stay_while_anything_else_can_go() -> None:
    table = Table()
    producer, busy, slow, later = table.producer(), table.busy(), table.busy(sending=True), table.busy(sending=True)
    table.client()
    assert ends(producer, busy, slow, later) == [None, None, "closed", None]
    table.busy()  # in the place of the one before
    table.client()
    assert ends(producer, busy, later) == [None, None, "closed"]


def test_idle_producers_hold_a_quarter_of_the_room_at_most() -> None:
    table = Table()
    first, second, reader, other = table.producer(), table.producer(), table.reader(), table.reader()
    table.client()
    assert ends(first, second, reader, other) == ["closed", None, None, None]
    table.client()
    assert ends(second, reader, other) == [None, "closed", None]


def test_nobody_is_taken_in_where_every_place_is_busy() -> None:
    table = Table()
    busy = [table.busy() for _ in range(4)]
    assert not table.table.admit(FakeClient())
    table.table.gone(busy[0])
    assert table.table.admit(FakeClient())


def test_an_answer_on_its_way_is_not_cut_off_while_its_reader_takes_it() -> None:
    table = Table()
    taking, stuck = table.reader(), table.reader()
    others = [table.busy() for _ in range(2)]
    taking.bytes_unsent, stuck.bytes_unsent = 100, 100
    assert not table.table.admit(FakeClient())
    for _ in range(31):
        table.table.look()
        table.now += 1
        taking.bytes_unsent -= 1
    table.table.look()
    assert ends(taking, stuck, *others) == [None, "aborted", None, None]
    assert table.reasons == ["unread"]


def test_an_answer_that_nobody_takes_gives_way_when_nothing_else_can() -> None:
    table = Table()
    stuck, busy = table.reader(), [table.busy() for _ in range(3)]
    stuck.bytes_unsent = 100
    table.table.look()
    table.client()
    assert ends(stuck, *busy) == ["aborted", None, None, None]


def test_one_address_beyond_its_share_loses_its_own_connections_only() -> None:
    table = Table()
    first, second, other = table.client("192.0.2.1"), table.client("192.0.2.1"), table.client("192.0.2.2")
    third = table.client("::ffff:192.0.2.1")
    assert ends(first, second, other, third) == ["closed", None, None, None]
    assert table.reasons == ["address"]
    for client in (second, third):
        table.table.busy(client)
    assert not table.table.admit(FakeClient("192.0.2.1"))
    assert table.table.admit(FakeClient("192.0.2.3"))


def test_an_ipv6_customer_is_one_address() -> None:
    table = Table()
    first = table.client("2001:db8::1")
    table.client("2001:db8::2")
    table.client("2001:db8::3")
    assert first.ended == "closed"


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.2", "::1", "", "not-an-address"])
def test_proxies_and_this_machine_have_no_share(address: str) -> None:
    table = Table()
    assert ends(*(table.client(address) for _ in range(4))) == [None] * 4


def test_silence_and_half_a_head_end_and_idleness_may_last() -> None:
    table = Table(most=100)
    idle, half, silent = table.reader(), table.reader(), table.client()
    half.head_since = table.now
    table.now += 9
    table.table.look()
    assert ends(silent, half, idle) == [None] * 3
    table.now += 1
    table.table.look()
    assert ends(silent, half, idle) == ["timed out", "timed out", None]
    assert table.reasons == ["head_time", "head_time"]


def test_idleness_ends_early_once_half_of_the_room_is_taken() -> None:
    table = Table()
    reader, producer, busy = table.reader(), table.producer(), table.busy()
    table.now += 5
    table.table.look()
    assert ends(reader, producer, busy) == ["closed", None, None]
