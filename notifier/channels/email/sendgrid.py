"""Send mail through SendGrid's v3 Mail Send: up to 1,000 personalizations per request."""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from python_http_client.exceptions import HTTPError

from notifier.channels.base import MailReceipt, MessageRefusedError, RecipientsRefusedError, TooLargeError
from notifier.channels.email.addresses import sendable_address
from notifier.channels.email.cut import SENDGRID_LIMITS, MailLimits, cut, exceeds, fits, surely_fits
from notifier.channels.email.discreet import discreetly
from notifier.channels.email.payload import common_args, content_part, encoded, personalization
from notifier.channels.email.sendgrid_client import Payload, sendgrid_api
from notifier.channels.http_pool import ConnectionPool, Request
from notifier.channels.redact import redacted
from notifier.channels.status_mapping import (
    SENDGRID_STATUSES,
    NoAnswerError,
    NotSentError,
    ProviderResponse,
    Rules,
    failure,
    rate_budget,
    refusal,
)
from notifier.domain.errors import ConfigError, DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.message import MailRecipient, MailRequest
from notifier.domain.values import Reason

GLOBAL_URL = "https://api.sendgrid.com"
EU_URL = "https://api.eu.sendgrid.com"

# A server may refuse a large body by closing the connection; none does so below this size.
_PERHAPS_TOO_LARGE = 64 * 1024
_NAMED = re.compile(r"personalizations\.(\d+)(?:\.|\Z)")
_REPEATED = re.compile(r"You have included (\S+) more than once")


def sendgrid_message(body: Mapping[str, Any]) -> str:
    """Return SendGrid's error messages, each with the field it names."""
    errors = body.get("errors")
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    texts = []
    for error in found[:5]:
        field = error.get("field")
        named = f"{field}: " if isinstance(field, str) and field != "null" else ""
        texts.append(f"{named}{error.get('message') or 'no message'}")
    return "; ".join(texts)


RULES = Rules(
    provider="sendgrid", statuses=SENDGRID_STATUSES, budget=rate_budget("x-ratelimit"), message=sendgrid_message
)


class SendGridSender:
    """Sends through SendGrid, or a compatible server at `base_url` (EU: `EU_URL`; may have a path).

    Thread-safe. Opens connections at the first send and keeps them alive.
    """

    max_batch = SENDGRID_LIMITS.recipients
    deduplicates = False  # there is no idempotency key

    def __init__(
        self,
        *,
        api_key: str,
        clock: Callable[[], datetime],
        base_url: str = GLOBAL_URL,
        name: str = "sendgrid",
        connect_timeout: float = 5.0,
        timeout: float = 15.0,
        limits: MailLimits = SENDGRID_LIMITS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Open nothing. Time-outs are in seconds; `timeout` bounds a whole request.

        Raises:
            ConfigError: the key contains characters that a header cannot.
        """
        if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ConfigError("NOTIFIER_SENDGRID_API_KEY", "must be visible ASCII characters without blanks")
        self.name = name
        self._clock, self._timeout, self._limits = clock, timeout, limits
        self._secrets = (api_key,)
        self._question = Request(
            "GET", f"{urlsplit(base_url).path.rstrip('/')}/v3/scopes", {"Authorization": f"Bearer {api_key}"}
        )
        self._pool = ConnectionPool(base_url, connect_timeout=connect_timeout, tls_context=tls_context)
        self._api = sendgrid_api(api_key, base_url.rstrip("/"), self._pool, timeout=timeout)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    def answers(self, *, deadline: datetime) -> bool:
        """Request the key's scopes; any response will do. See `MailSender.answers`."""
        try:
            self._pool.send(self._question, seconds=(deadline - self._clock()).total_seconds())
        except (NotSentError, NoAnswerError):
            return False
        return True

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        """Send one request; see `MailSender.send`."""
        return discreetly(lambda: self._send(request, deadline), request)

    def _send(self, request: MailRequest, deadline: datetime) -> MailReceipt:
        body = request_body(request, self._limits)
        seconds = min(self._timeout, (deadline - self._clock()).total_seconds())
        if seconds <= 0:
            raise TransientDeliveryError(Reason.TIMED_OUT, "the deadline passed before sending")
        try:
            response = self._api.client.mail.send.post(request_body=Payload(body), timeout=seconds)
        except HTTPError as error:
            raise self._refusal(_answer(error.status_code, error.headers, error.body), request) from None
        except NotSentError as error:
            raise self._not_sent(error, len(body), len(request.recipients)) from None
        except NoAnswerError as error:
            raise failure(error, RULES, now=self._clock()) from None
        return self._receipt(_answer(response.status_code, response.headers, response.body), request)

    def _receipt(self, answer: ProviderResponse, request: MailRequest) -> MailReceipt:
        message_id = answer.headers.get("x-message-id", "").strip()
        if not message_id:
            detail = f"status {answer.status} without X-Message-Id is no acceptance"
            raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, detail, status=answer.status)
        return MailReceipt(
            provider_message_id=redacted(message_id, self._secrets),
            accepted_ids=[recipient.delivery_id for recipient in request.recipients],
            rate=RULES.budget(answer.headers),
        )

    def _refusal(self, answer: ProviderResponse, request: MailRequest) -> DeliveryError:
        error = refusal(answer, RULES, now=self._clock(), secrets=self._secrets)
        if answer.status == 400:  # noqa: PLR2004 - Bad Request may be about some recipients only
            body = answer.json()
            named, about_address = named_recipients(body, request.recipients)
            if named:
                reason = Reason.BAD_ADDRESS if about_address else Reason.REJECTED
                return RecipientsRefusedError(named, reason, error.detail, status=answer.status)
            if _is_about_what_all_share(body):
                return MessageRefusedError(error.reason, error.detail, status=answer.status)
        return error

    def _not_sent(self, error: NotSentError, size: int, recipients: int) -> DeliveryError:
        if error.reset and size > _PERHAPS_TOO_LARGE and recipients > 1:
            return TooLargeError(f"{error.detail}, twice")
        return failure(error, RULES, now=self._clock())


def request_body(request: MailRequest, limits: MailLimits = SENDGRID_LIMITS) -> bytes:
    """Return the encoded request.

    Raises:
        RecipientsRefusedError: invalid or repeated addresses, or personal parts over the limits.
        TooLargeError: too many recipients, or too many bytes.
    """
    if len(request.recipients) > limits.recipients:
        detail = f"{len(request.recipients)} recipients, at most {limits.recipients}"
        raise TooLargeError(detail, pieces=pieces(request, limits))
    envelopes: list[bytes] = []
    hopeless: dict[Reason, list[str]] = {}
    for recipient, envelope in _envelopes(request, limits):
        if isinstance(envelope, bytes):
            envelopes.append(envelope)
        else:
            hopeless.setdefault(envelope, []).append(recipient.delivery_id)
    for reason, ids in hopeless.items():
        raise RecipientsRefusedError(ids, reason, "refused before sending")
    head = encoded({**content_part(request), "personalizations": []}).removesuffix(b"]}")
    body = b"%b%b]}" % (head, b",".join(envelopes))
    if exceeds(body, limits.body_bytes):
        detail = f"{len(body)} bytes, at most {limits.body_bytes} when escaped"
        raise TooLargeError(detail, pieces=pieces(request, limits))
    return body


def pieces(request: MailRequest, limits: MailLimits) -> list[list[str]]:
    """Return the delivery ids of each smaller request; empty if splitting does not help."""
    parts = cut(request, limits)
    if parts.too_large:
        return []
    return [[recipient.delivery_id for recipient in part.recipients] for part in parts.requests]


def _envelopes(request: MailRequest, limits: MailLimits) -> Iterator[tuple[MailRecipient, bytes | Reason]]:
    """Yield each recipient with the encoded personalization, or the reason why there is none."""
    args = common_args(request)
    encoded_args, notification_id = encoded(args), request.notification_id
    seen = set()
    for recipient in request.recipients:
        address = sendable_address(recipient.address)
        if address is None:
            yield recipient, Reason.BAD_ADDRESS
            continue
        mailbox = address.lower()
        if mailbox in seen:
            yield recipient, Reason.DUPLICATE
            continue
        seen.add(mailbox)
        own = personalization(recipient, address, notification_id)
        envelope = encoded(own)
        few = len(recipient.substitutions) <= limits.substitutions
        if (few and surely_fits(envelope, encoded_args, limits)) or fits(own, args, limits):
            yield recipient, envelope
        else:
            yield recipient, Reason.TOO_LARGE


def named_recipients(body: Mapping[str, Any], recipients: Sequence[MailRecipient]) -> tuple[list[str], bool]:
    """Return the delivery ids a 400 names, and whether it is about their addresses."""
    errors = body.get("errors")
    named: dict[str, bool] = {}
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict):
            continue
        field, message = str(error.get("field") or ""), str(error.get("message") or "")
        if match := _REPEATED.search(message):
            named |= dict.fromkeys(_repeats(match[1], recipients), True)
        elif (match := _NAMED.match(field)) and int(match[1]) < len(recipients):
            named[recipients[int(match[1])].delivery_id] = ".to" in field
    return list(named), all(named.values())


def _is_about_what_all_share(body: Mapping[str, Any]) -> bool:
    """Whether a 400 names a field of the message itself; if not, one recipient may be the cause."""
    errors = body.get("errors")
    fields = [error.get("field") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    named = [field for field in fields if isinstance(field, str) and field not in ("", "null")]
    return any(not field.startswith("personalizations") for field in named)


def _repeats(address: str, recipients: Sequence[MailRecipient]) -> Sequence[str]:
    """Return the delivery ids with that address, except the first."""
    found = [one.delivery_id for one in recipients if one.address.strip().lower() == address.strip(".,").lower()]
    return found[1:] or found


def _answer(status: int, headers: Any, body: object) -> ProviderResponse:
    pairs: Iterable[tuple[str, str]] = headers.items() if headers is not None else ()
    lower = {str(name).lower(): str(value) for name, value in pairs}
    return ProviderResponse(status, lower, body if isinstance(body, bytes) else b"")
