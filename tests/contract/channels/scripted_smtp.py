"""An SMTP peer that answers as told, hangs up where told, and notes what came."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

DROP = "drop"  # hang up instead of answering


@dataclass
class Script:
    """How to answer. Each function gets the argument of its command, returns a reply line or DROP."""

    features: tuple[str, ...] = ("PIPELINING", "8BITMIME")  # we are offered what we do not use
    greeting: str = "220 peer ready"
    mail: Callable[[str], str] = lambda _sender: "250 ok"
    rcpt: Callable[[str], str] = lambda _address: "250 ok"
    data: Callable[[str], str] = lambda _address: "354 go ahead"
    done: Callable[[str], str] = lambda _address: "250 2.0.0 queued"


@dataclass(frozen=True)
class Taken:
    """A message that was accepted. `raw` as it came over the wire, without the dots."""

    sender: str
    address: str
    raw: bytes


@dataclass
class Notes:
    """What the peer saw."""

    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    early: list[bytes] = field(default_factory=list)  # what came before the reply to what it follows
    sessions: int = 0


class SmtpPeer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.script, self.notes = script, Notes()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.BaseRequestHandler):
    server: SmtpPeer

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.notes.sessions += 1
        self.buffer = b""
        self.sender = self.address = ""
        with suppress(OSError, EOFError):
            self._say(self.server.script.greeting)
            while self._command():
                pass

    def _command(self) -> bool:
        line = self._line()
        notes, script = self.server.notes, self.server.script
        notes.commands.append(line)
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                lines = ["peer", *script.features]
                self._say("\r\n".join([*(f"250-{one}" for one in lines[:-1]), f"250 {lines[-1]}"]))
            case "MAIL":
                self.sender = rest.partition("<")[2].partition(">")[0]
                return self._say(script.mail(rest))
            case "RCPT":
                self.address = rest.partition("<")[2].partition(">")[0]
                return self._say(script.rcpt(self.address))
            case "DATA":
                reply = script.data(self.address)
                return self._say(reply) and (not reply.startswith("354") or self._message())
            case "AUTH":
                self._say("235 2.7.0 welcome")
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                return self._say("250 ok")
        return True

    def _message(self) -> bool:
        lines = []
        while (line := self._raw_line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        reply = self.server.script.done(self.address)
        if reply.startswith("250"):
            self.server.notes.taken.append(Taken(self.sender, self.address, b"".join(lines)))
        return self._say(reply)

    def _say(self, reply: str) -> bool:
        if reply == DROP:
            return False
        if self.buffer:
            self.server.notes.early.append(self.buffer)
        self.request.sendall(reply.encode() + b"\r\n")
        return not reply.startswith("421")

    def _line(self) -> str:
        return self._raw_line().decode().rstrip("\r\n")

    def _read(self) -> None:
        data = self.request.recv(65_536)
        if not data:
            raise EOFError
        self.buffer += data

    def _raw_line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._read()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line + b"\r\n"


@contextmanager
def smtp_peer(script: Script | None = None) -> Iterator[SmtpPeer]:
    """Serve on a free port of 127.0.0.1."""
    peer = SmtpPeer(script or Script())
    thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.shutdown()
        peer.server_close()
        thread.join(5)
