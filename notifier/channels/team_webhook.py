"""Post to the webhook of the team.

Its host is configured by the operator, so it may be internal, unlike a partner's. As for partners,
redirects are not followed, and proxy settings of the environment are ignored.
"""

from urllib.parse import urlsplit

from notifier import __version__
from notifier.channels.http_pool import ConnectionPool, Request
from notifier.channels.status_mapping import NoAnswerError, NotSentError
from notifier.domain.errors import OutcomeUnknownError, TransientDeliveryError
from notifier.domain.values import Reason


class TeamWebhook:
    """One URL. Opens nothing before the first post. Thread-safe."""

    def __init__(self, url: str, *, timeout: float) -> None:
        parts = urlsplit(url)
        self._pool = ConnectionPool(url, connect_timeout=timeout)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout

    def post(self, body: bytes) -> None:
        """Post a JSON body.

        Raises:
            DeliveryError: No 2xx; worth another try.
        """
        headers = {"Content-Type": "application/json", "User-Agent": f"notifier/{__version__}", "Accept": "*/*"}
        try:
            answer = self._pool.send(Request("POST", self._path, headers, body), seconds=self._timeout)
        except NotSentError as error:
            reason = Reason.TIMED_OUT if error.timed_out else Reason.UNREACHABLE
            raise TransientDeliveryError(reason, error.detail) from None
        except NoAnswerError as error:
            raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, error.detail, status=error.status) from None
        if not answer.ok:
            raise TransientDeliveryError(Reason.SERVER_ERROR, f"HTTP {answer.status}", status=answer.status)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()
