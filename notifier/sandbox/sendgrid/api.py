"""`POST /v3/mail/send`: authentication, rate, size, content type, validation, then 202 with an X-Message-Id."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from notifier.sandbox.answers import empty_answer
from notifier.sandbox.limits import RollingSecond
from notifier.sandbox.live import Live
from notifier.sandbox.sendgrid.errors import BAD_REQUEST, CREDITS, SENDER, STANDARD, Problem, refusal
from notifier.sandbox.sendgrid.schedule import Schedule
from notifier.sandbox.sendgrid.store import Arrived, MailStore
from notifier.sandbox.sendgrid.validate import validate


class Refused(Exception):  # noqa: N818  a response, not an error of ours
    """A request that gets an error response."""

    def __init__(self, status: int, problems: list[Problem] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.problems = problems or [Problem(STANDARD[status])]


@dataclass(slots=True)
class Gate:
    """The checks before every SendGrid call: API key and rate."""

    live: Live
    rate: RollingSecond

    def check(self, request: Request, now: float) -> None:
        """Check a call.

        Raises:
            Refused: 401, 403 or 429.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        rules = self.live.config.sendgrid
        if scheme.lower() == "bearer" and key in rules.keys_without_scope:
            raise Refused(403)
        if scheme.lower() != "bearer" or key not in rules.api_keys:
            raise Refused(401)
        if not self.rate.take(now, rules.requests_per_second):
            raise Refused(429)

    def headers(self, now: float) -> dict[str, str]:
        """Return the rate headers of a response."""
        return self.rate.headers(now, self.live.config.sendgrid.requests_per_second)


class MailSend:
    """The mail send endpoint."""

    def __init__(self, live: Live, store: MailStore, gate: Gate) -> None:
        self._live, self._store, self._gate = live, store, gate

    async def send(self, request: Request) -> Response:
        """Handle one `POST /v3/mail/send`."""
        now = self._live.now()
        try:
            self._gate.check(request, now)
            body = await self._read(request)
            answer = self._take(body, now)
        except Refused as refused:
            self._store.refuse(refused.status, [asdict(problem) for problem in refused.problems], now)
            return refusal(refused.status, refused.problems, self._gate.headers(now))
        return answer

    async def _read(self, request: Request) -> bytes:
        rules = self._live.config.sendgrid
        if int(request.headers.get("content-length") or 0) > rules.max_body:
            raise Refused(413)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415)
        body = await request.body()
        if len(body) > rules.max_body:
            raise Refused(413)
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding == "gzip" and rules.gzip:
            return _unzipped(body)
        if encoding != "identity":
            raise Refused(415)
        return body

    def _take(self, body: bytes, now: float) -> Response:
        request = _parsed(body)
        rules = self._live.config.sendgrid
        verdict = validate(request, rules, now=now)
        if not isinstance(request, dict):
            raise Refused(400)
        problems = verdict.problems or _unknown_batch(request, self._store.schedule, now)
        if problems:
            raise Refused(400, _unique(problems))
        if rules.verified_senders is not None and not _all_verified(request, rules.verified_senders):
            raise Refused(403, [Problem(SENDER, "from")])
        headers = self._gate.headers(now)
        if request.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True:
            return empty_answer(200, headers)
        if rules.credits_left is not None and self._store.mails + len(verdict.recipients) > rules.credits_left:
            raise Refused(401, [Problem(CREDITS)])
        return empty_answer(202, headers | {"X-Message-Id": self._store.accept(body, request, verdict, now)})


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise Refused(400, [Problem("Invalid UTF8 in request.")]) from None
        raise Refused(400, [BAD_REQUEST]) from None


def _unzipped(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise Refused(400, [BAD_REQUEST]) from None


def _unique(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _unknown_batch(request: dict[str, Any], schedule: Schedule[Arrived], now: float) -> list[Problem]:
    if "batch_id" in request and not schedule.knows(request["batch_id"], now):
        return [Problem("invalid batch id", "batch_id")]
    return []


def _all_verified(request: dict[str, Any], verified: frozenset[str]) -> bool:
    senders = [request["from"], *(entry["from"] for entry in request["personalizations"] if "from" in entry)]
    emails = [sender["email"].lower() for sender in senders]
    return all(email in verified or email.rpartition("@")[2] in verified for email in emails)
