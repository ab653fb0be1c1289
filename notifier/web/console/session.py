"""Who works at the console: the session that the browser's cookie names, looked up anew on every request.

What it may do is what its key may do now. It ends by signing out, with its key, after an idle hour, after twelve hours.
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
    """Nobody is signed in, or their time is over: ask for the key."""


class ForbiddenError(NotifierError):
    """The key does not open this, or the form was not made by this console for this session."""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in person: what their key opens, and what their cookie holds."""

    caller: Caller
    actor: Actor
    shown: str = field(repr=False)

    @property
    def form_mark(self) -> str:
        """What this session's own forms bear; no other site can know it."""
        return hashlib.sha256(b"form " + self.shown.encode()).hexdigest()

    def may(self, scope: KeyScope) -> bool:
        """Whether the key opens this."""
        return scope in self.caller.scopes

    def need(self, scope: KeyScope) -> None:
        """Go on only with this scope.

        Raises:
            ForbiddenError: the key lacks it.
        """
        if not self.may(scope):
            raise ForbiddenError(f"This API key lacks the scope {scope.value!r}")

    def check_form(self, mark: str) -> None:
        """Go on only with a form that this console gave this session.

        Raises:
            ForbiddenError: it is somebody else's, or of an earlier session.
        """
        if not hmac.compare_digest(mark.encode(), self.form_mark.encode()):
            raise ForbiddenError("This form belongs to another session: reload the page")


class Sessions:
    """Makes and reads the cookie. It bears the strictest prefix that the public address allows (RFC 6265bis, 4.1.3)."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the installation; opens nothing."""
        self._kept = container.console_sessions
        public = urlsplit(container.settings.deployment.public_url)
        self._secure = public.scheme == "https"
        is_own_host = self._secure and not public.path
        self._cookie = f"{'__Host-' if is_own_host else '__Secure-' if self._secure else ''}{_COOKIE}"
        self._path = "/" if is_own_host else PATH

    def of(self, request: Request) -> Session:
        """Return whose request this is.

        Raises:
            NotSignedInError: no cookie, or one that opens nothing any more.
        """
        shown = request.cookies.get(self._cookie, "")
        caller = self._kept.of(shown)
        if caller is None:
            raise NotSignedInError("sign in")
        return Session(caller, caller.acting_from(origin_of(request)), shown)

    def begin(self, request: Request, response: Response, key: str) -> None:
        """Sign in: set the cookie.

        Raises:
            SignInRefusedError: the key opens nothing here.
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
        """Sign out: the cookie opens nothing any more, wherever it is kept."""
        self._kept.end(session.shown, session.actor)
        response.delete_cookie(self._cookie, path=self._path, secure=self._secure, httponly=True, samesite="strict")


def origin_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else "unknown"
