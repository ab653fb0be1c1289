"""The console's session, named by the browser's cookie and looked up on every request.

It has the scopes that its key has now. It ends at sign-out, with its key, after an idle hour, and
after twelve hours.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import NotifierError
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor
from notifier.services.security.console_sessions import LASTS

PATH = "/console"
_COOKIE = "notifier_console"


class NotSignedInError(NotifierError):
    """No session, or an expired one: ask for the key."""


class ForbiddenError(NotifierError):
    """The key lacks the scope, or the form does not belong to this session."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in operator: the scopes of their key, and the value of their cookie."""

    caller: Caller
    actor: Actor
    shown: str = field(repr=False)

    @property
    def csrf_token(self) -> str:
        """The CSRF token of this session's forms; no other site can know it."""
        return hashlib.sha256(b"form " + self.shown.encode()).hexdigest()

    def may(self, scope: KeyScope) -> bool:
        """Return whether the key has the scope."""
        return scope in self.caller.scopes

    def need(self, scope: KeyScope) -> None:
        """Require a scope.

        Raises:
            ForbiddenError: The key lacks it.
        """
        if not self.may(scope):
            raise ForbiddenError(f"This API key lacks the scope {scope.value!r}")

    def check_csrf_token(self, token: str) -> None:
        """Check a form's CSRF token.

        Raises:
            ForbiddenError: The form belongs to another or an earlier session.
        """
        if not hmac.compare_digest(token.encode(), self.csrf_token.encode()):
            raise ForbiddenError("This form belongs to another session: reload the page")


class Sessions:
    """Sets and reads the cookie, with the strictest prefix possible (RFC 6265bis, 4.1.3)."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the container; opens nothing."""
        self._kept = container.console_sessions
        public = urlsplit(container.settings.deployment.public_url)
        self._secure = public.scheme == "https"
        is_own_host = self._secure and not public.path
        self._cookie = f"{'__Host-' if is_own_host else '__Secure-' if self._secure else ''}{_COOKIE}"
        self._path = "/" if is_own_host else PATH

    def of(self, request: Request) -> Session:
        """Return the session of a request.

        Raises:
            NotSignedInError: There is no cookie, or its session has ended.
        """
        shown = request.cookies.get(self._cookie, "")
        caller = self._kept.of(shown)
        if caller is None:
            raise NotSignedInError("sign in")
        return Session(caller, caller.acting_from(origin_of(request)), shown)

    def begin(self, request: Request, response: Response, key: str) -> None:
        """Sign in: set the cookie.

        Raises:
            SignInRefusedError: The key is unknown or revoked, or lacks the scope.
        """
        response.set_cookie(
            self._cookie,
            self._kept.begin(key, origin_of(request)),
            max_age=int(LASTS.total_seconds()),
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def end(self, session: Session, response: Response) -> None:
        """Sign out: end the session, wherever its cookie is stored."""
        self._kept.end(session.shown, session.actor)
        response.delete_cookie(self._cookie, path=self._path, secure=self._secure, httponly=True, samesite="strict")


def origin_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return request.client.host if request.client else "unknown"
