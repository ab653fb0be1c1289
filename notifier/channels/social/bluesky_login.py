"""Being logged in at Bluesky: one session per account, kept, refreshed, and made anew only when that fails.

Logins are limited to 30 in 5 minutes and 300 a day per account, so a session outlives the process that made it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from notifier.channels.base import SessionStore
from notifier.channels.social.bluesky_transport import DirectTransport, Servers
from notifier.channels.status_mapping import ExchangeError, NoAnswerError, RefusedError

T = TypeVar("T")

_EXPIRED = "ExpiredToken"  # a 400, not a 401, and not what the library refreshes upon
LOGIN_ENDED = frozenset({_EXPIRED, "InvalidToken", "AuthMissing", "AuthenticationRequired"})
_UNAUTHORIZED = 401
_SESSION_CALLS = ("server.createSession", "server.refreshSession")


@cache
def library() -> Any:
    """The client library; only processes that speak to Bluesky import it."""
    import atproto_client  # noqa: PLC0415 - 60 MB and a second

    return atproto_client


class LoginError(Exception):
    """Logging in or refreshing failed; nothing was published. `cause` says how."""

    def __init__(self, cause: ExchangeError) -> None:
        super().__init__("login failed")
        self.cause = cause


class BlueskyLogin:
    """Hands out a client that is logged in."""

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
        """Take what is needed; opens and imports nothing."""
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
        """What no error may repeat."""
        session = self._session
        return (self._app_password, *((session.access_jwt, session.refresh_jwt) if session is not None else ()))

    def run(self, action: Callable[[Any], T]) -> T:
        """Call `action` with a client; after an ended session once again with a new one.

        Raises:
            LoginError: there is no session to be had.
            ExchangeError: of the action.
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
        except _Unusable:  # a stored session that is none
            return _guarded(action, self._log_in())

    def close(self) -> None:
        """Close connections; the next call takes the session up again, from the store where there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.request.close()

    def _open(self) -> Any:
        """Return a client with the session that was kept, else with a new one."""
        return self._taken_up(self._stored()) or self._log_in()

    def _stored(self) -> str | None:
        """The newest session known: the store's, else the one this process had."""
        if self._store is not None:
            return self._store.load(self._account)
        return None if self._session is None else str(self._session.export())

    def _taken_up(self, stored: str | None) -> Any:
        """Return a client with a stored session, or None where it cannot be used here."""
        if not stored:
            return None
        client = self._new_client()
        try:
            client.login(session_string=stored, fetch_bsky_profile=False)  # no request
        except (_library_error(), ValueError):
            return None
        if not self._servers.allow(str(self._session.pds_endpoint)):
            return None  # from another server: the account moved, or the configuration did
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
        """Return a client whose session was refreshed, by another process perhaps; else log in."""
        stored = self._stored()
        if stored and self._session is not None and stored != self._session.export():
            return self._taken_up(stored) or self._log_in()
        try:
            _guarded(lambda it: it._refresh_and_set_session(), client)  # noqa: SLF001 - the library refreshes only ahead
        except RefusedError:
            return self._log_in()
        except (ExchangeError, _Unusable) as error:
            raise LoginError(_as_exchange(error)) from None
        return client

    def _new_client(self) -> Any:
        self.close()
        # The transport keeps the time; what httpx keeps on top would begin anew with every byte.
        request = library().request.Request(transport=self._transport(), timeout=None, trust_env=False)
        client = library().Client(base_url=self._base_url, request=request)
        client.on_session_change(self._keep)
        return client

    def _keep(self, event: Any, session: Any) -> None:
        """Remember a session that was made, refreshed or taken up; store what is new."""
        self._session = session
        if self._store is not None and event.value != "import" and self._servers.allow(str(session.pds_endpoint)):
            self._store.save(self._account, session.export())


class _Unusable(Exception):  # noqa: N818 - a state, handled here
    """The library cannot use the session it has."""


def _guarded(action: Callable[[Any], T], client: Any) -> T:
    """Call the library; what it raises beside our own means an answer, or a session, that it could not read."""
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
