"""Readers come by the thousand in an outage, and others who mean harm: events and probes are answered meanwhile."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from itertools import count
from pathlib import Path

import httpx2
import pytest

from notifier.files import grant_open_files
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate
from tests.functional.api.api_client import ADMIN, an_event
from tests.functional.api.serve import Server, served

pytestmark = pytest.mark.slow
NOWHERE = "redis://127.0.0.1:1/0"
SECONDS = 10.0
_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    grant_open_files(4_096)
    folder = tmp_path_factory.mktemp("crowd")
    database = Database(f"sqlite:///{folder}/ledger.sqlite3")
    migrate.upgrade(database)
    with served(database, folder, "api", NOWHERE) as running:
        yield running
    database.close()


def memory(server: Server) -> int:
    """Resident memory, MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def answer_to(raw: socket.socket) -> bytes:
    """Everything that comes until the server closes."""
    pieces = []
    while piece := raw.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def status_of(raw: socket.socket) -> int:
    """The next answer's status, once all of it is here."""
    answer = HTTPResponse(raw)
    answer.begin()
    answer.read()
    return answer.status


def assert_producers_are_served(server: Server) -> None:
    """Every one of a few events and probes, on new connections and on one that is kept."""
    with server.client(timeout=10) as kept:
        for _ in range(3):
            for path in ("/v1/events", "/healthz", "/readyz"):
                assert_answered(kept, path)
                with server.client(timeout=10) as fresh:
                    assert_answered(fresh, path)


def assert_answered(client: httpx2.Client, path: str) -> None:
    number, began = next(_numbers), time.monotonic()
    if path == "/v1/events":
        assert client.post(path, json=an_event(number, incident={"id": f"inc-{number}"})).status_code == 202
    else:
        assert client.get(path).status_code == 200
    assert time.monotonic() - began < SECONDS


def a_crowd(server: Server, number: int, greet: Callable[[socket.socket], None]) -> ExitStack:
    """Open so many connections and keep them, each greeting once."""
    crowd = ExitStack()
    for _ in range(number):
        raw = crowd.enter_context(server.connect())
        greet(raw)
    return crowd


def load_page(raw: socket.socket) -> None:
    raw.sendall(b"GET /en/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status_of(raw) == 200


@pytest.mark.parametrize(
    ("number", "greet"),
    [
        pytest.param(1_002, load_page, id="readers that keep their connections"),
        pytest.param(1_005, lambda raw: None, id="silent sockets"),
        pytest.param(1_005, lambda raw: raw.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x"), id="half heads"),
        pytest.param(
            1_005,
            lambda raw: raw.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"),
            id="half bodies",
        ),
    ],
)
def test_a_thousand_connections_keep_no_producer_and_no_probe_out(
    server: Server, number: int, greet: Callable[[socket.socket], None]
) -> None:
    before = memory(server)
    with a_crowd(server, number, greet):
        assert_producers_are_served(server)
        assert memory(server) - before < 60


def test_a_reader_who_comes_when_all_is_full_is_served(server: Server) -> None:
    with a_crowd(server, 1_005, lambda raw: None), server.connect() as reader:
        load_page(reader)
        load_page(reader)


def test_silence_and_half_a_head_end_after_ten_seconds(server: Server) -> None:
    with server.connect() as silent, server.connect() as half, server.connect() as second:
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: x")
        load_page(second)
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost")
        began = time.monotonic()
        assert answer_to(silent) == b""
        for raw in (half, second):
            head, _, body = answer_to(raw).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408")
            assert json.loads(body)["status"] == 408
        assert time.monotonic() - began > 8


def sent(server: Server, pieces: Iterator[bytes]) -> tuple[bytes, dict[str, object]]:
    """Send until the server has enough; returns head and problem of its answer."""
    with server.connect() as raw:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                raw.sendall(piece)
        head, _, body = answer_to(raw).partition(b"\r\n\r\n")
    return head, json.loads(body)


def repeated(first: bytes, piece: bytes, number: int, last: bytes = b"") -> Iterator[bytes]:
    yield first
    for _ in range(number):
        yield piece
    yield last


@pytest.mark.parametrize(
    ("status", "first", "piece", "times"),
    [
        pytest.param(431, b"GET /en/ HTTP/1.1\r\nX: ", b"x" * 65536, 512, id="a header of 32 MiB"),
        pytest.param(414, b"GET /", b"x" * 65536, 512, id="a target of 32 MiB"),
        pytest.param(431, b"GET /en/ HTTP/1.1\r\n", b"X: y\r\n" * 1000, 400, id="400,000 headers"),
        pytest.param(431, b"GET /en/ HTTP/1.1\r\n", b"X: y\r\n", 101, id="101 headers"),
        pytest.param(414, b"GET /" + b"x" * 8192, b"", 1, id="a target one byte too long"),
        pytest.param(431, b"GET / HTTP/1.1\r\nX:" + b"x" * 16384, b"", 1, id="a head of a little more than 16 KiB"),
        pytest.param(
            431,
            b"POST /v1/sign-ups HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX: ",
            b"x" * 65536,
            512,
            id="a trailer of 32 MiB",
        ),
        pytest.param(
            431,
            b"POST /v1/sign-ups HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            b"x" * 65536,
            512,
            id="a chunk's extension of 32 MiB",
        ),
        pytest.param(400, b"\x16\x03\x01\x00\xee\x01\x00", b"", 1, id="TLS"),
    ],
)
def test_a_head_beyond_its_bounds_is_refused_before_it_takes_memory(
    server: Server, status: int, first: bytes, piece: bytes, times: int
) -> None:
    before = memory(server)
    head, body = sent(server, repeated(first, piece, times, b"\r\n\r\n"))
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/problem+json" in head
    assert body["status"] == status
    assert memory(server) - before < 8
    assert_producers_are_served(server)


def test_a_head_within_its_bounds_is_taken_however_it_is_cut(server: Server) -> None:
    body = json.dumps(an_event(next(_numbers), incident={"id": "inc-cut"})).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nContent-Length: {len(body)}\r\n"
        + "X: y\r\n" * 96
        + "\r\n"
    ).encode()
    whole = head + body
    for size in (1_000, len(whole), 200):
        with server.connect() as raw:
            for _ in range(3):  # on one connection
                for start in range(0, len(whole), size):
                    raw.sendall(whole[start : start + size])
                assert status_of(raw) == 202
    padding = b"X: " + b"y" * 15_000 + b"\r\n"
    with server.connect() as raw:
        raw.sendall(head.replace(b"X: y\r\n" * 96, padding) + body)
        assert status_of(raw) == 202


def test_trailers_reach_no_application(server: Server) -> None:
    with server.connect() as raw:
        raw.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n"
            + f"Authorization: Bearer {ADMIN}\r\n\r\n".encode()
        )
        assert status_of(raw) == 401


def test_a_request_that_asks_for_another_protocol_is_answered_in_this_one(server: Server) -> None:
    with server.connect() as raw:
        for _ in range(2):
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            assert status_of(raw) == 200


def test_many_requests_at_once_on_one_connection_are_no_way_to_queue_up(server: Server) -> None:
    with server.connect() as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 1_000)
        with suppress(ConnectionResetError):
            assert answer_to(raw).count(b"HTTP/1.1 200") < 100


def test_what_is_open_and_what_had_to_go_can_be_seen(server: Server) -> None:
    with a_crowd(server, 1_100, lambda raw: None), server.client() as client:
        text = client.get("/metrics").text
    assert 'notifier_http_connections_dropped_total{reason="full"}' in text
    (line,) = [line for line in text.splitlines() if line.startswith("notifier_http_connections ")]
    assert float(line.split()[1]) <= 1_000
