"""Bluesky logins: one session per account, stored and refreshed; log in only if that fails.

Bluesky allows 30 logins in 5 minutes and 300 a day per account, so a session must outlive the
process that created it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from notifier.channels.base import SessionStore
from notifier.channels.social.bluesky_transport import DirectTransport, Servers
from notifier.channels.status_mapping import ExchangeError, NoAnswerError, RefusedError

T = TypeVar("T")

_EXPIRED = "ExpiredToken"  # a 400, not a 401, on which the library does not refresh
LOGIN_ENDED = frozenset({_EXPIRED, "InvalidToken", "AuthMissing", "AuthenticationRequired"})
_UNAUTHORIZED = 401
_SESSION_CALLS = ("server.createSession", "server.refreshSession")


@cache
def library() -> Any:
    """Import the client library, only in processes that use Bluesky."""
    import atproto_client  # noqa: PLC0415 - 60 MB and a second

    return atproto_client


class LoginError(Exception):
    """Logging in or refreshing failed because of `cause`; nothing was published."""

    def __init__(self, cause: ExchangeError) -> None:
        super().__init__("login failed")
        self.cause = cause


class BlueskyLogin:
    """Provides a logged-in client."""

    def __init__(
        self,
        *,
        account: str,
        handle: str,
        app_password: str,
        base_url: str,
        servers: Servers,
        transport: Callable[[], DirectTransport],
        store: SessionStore | None,
    ) -> None:
        """Open and import nothing."""
        self._account, self._handle, self._app_password = account, handle, app_password
        self._base_url, self._servers, self._transport = base_url, servers, transport
        self._store = store
        self._client: Any = None
        self._session: Any = None

    @property
    def did(self) -> str:
        """The account's identifier, once logged in."""
        return str(self._session.did)

    def secrets(self) -> tuple[str, ...]:
        """Values to keep out of errors."""
        session = self._session
        return (self._app_password, *((session.access_jwt, session.refresh_jwt) if session is not None else ()))

    def run(self, action: Callable[[Any], T]) -> T:
        """Call `action` with a client; if the session has ended, once more with a new one.

        Raises:
            LoginError: no session could be created.
            ExchangeError: raised by the action.
        """
        client = self._client or self._open()
        try:
            return _guarded(action, client)
        except RefusedError as refused:
            name = refused.answer.json().get("error")
            if name == _EXPIRED and not refused.answer.path.endswith(_SESSION_CALLS):
                return _guarded(action, self._renewed(client))
            if name in LOGIN_ENDED or refused.answer.status == _UNAUTHORIZED:
                return _guarded(action, self._log_in())
            raise
        except _Unusable:  # an invalid stored session
            return _guarded(action, self._log_in())

    def close(self) -> None:
        """Close connections; the next call resumes the session, from the store if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.request.close()

    def _open(self) -> Any:
        """Return a client with the stored session, or a new one."""
        return self._taken_up(self._stored()) or self._log_in()

    def _stored(self) -> str | None:
        """Return the newest session: from the store, else from this process."""
        if self._store is not None:
            return self._store.load(self._account)
        return None if self._session is None else str(self._session.export())

    def _taken_up(self, stored: str | None) -> Any:
        """Return a client with the stored session, or None if it is not usable."""
        if not stored:
            return None
        client = self._new_client()
        try:
            client.login(session_string=stored, fetch_bsky_profile=False)  # no request
        except (_library_error(), ValueError):
            return None
        if not self._servers.allow(str(self._session.pds_endpoint)):
            return None  # of another server: the account moved or the configuration changed
        self._client = client
        return client

    def _log_in(self) -> Any:
        client = self._new_client()
        try:
            _guarded(lambda it: it.login(self._handle, self._app_password, fetch_bsky_profile=False), client)
        except (ExchangeError, _Unusable) as error:
            client.request.close()
            raise LoginError(_as_exchange(error)) from None
        self._client = client
        return client

    def _renewed(self, client: Any) -> Any:
        """Return a client with a refreshed session, perhaps by another process; else log in."""
        stored = self._stored()
        if stored and self._session is not None and stored != self._session.export():
            return self._taken_up(stored) or self._log_in()
        try:
            _guarded(lambda it: it._refresh_and_set_session(), client)  # noqa: SLF001 - no public call refreshes now
        except RefusedError:
            return self._log_in()
        except (ExchangeError, _Unusable) as error:
            raise LoginError(_as_exchange(error)) from None
        return client

    def _new_client(self) -> Any:
        self.close()
        # The transport enforces the deadline; httpx's own time-outs would restart with every byte.
        request = library().request.Request(transport=self._transport(), timeout=None, trust_env=False)
        client = library().Client(base_url=self._base_url, request=request)
        client.on_session_change(self._keep)
        return client

    def _keep(self, event: Any, session: Any) -> None:
        """Keep a created, refreshed or resumed session; store it if it is new."""
        self._session = session
        if self._store is not None and event.value != "import" and self._servers.allow(str(session.pds_endpoint)):
            self._store.save(self._account, session.export())


class _Unusable(Exception):  # noqa: N818 - a state, handled here
    """The library cannot use the session it has."""


def _guarded(action: Callable[[Any], T], client: Any) -> T:
    """Call the library; its own exceptions mean a response or a session that it could not parse."""
    try:
        return action(client)
    except (_library_error(), ValueError) as error:
        if isinstance(error, library().exceptions.LoginRequiredError) or type(error).__name__.startswith("Token"):
            raise _Unusable from None
        raise NoAnswerError(f"the library could not read the answer: {type(error).__name__}") from None


def _as_exchange(error: Exception) -> ExchangeError:
    return error if isinstance(error, ExchangeError) else NoAnswerError("the session cannot be read")


@cache
def _library_error() -> type[Exception]:
    from atproto_core.exceptions import AtProtocolError  # noqa: PLC0415 - as large as `library`

    error: type[Exception] = AtProtocolError
    return error
