"""Who works at the console: an API key, sealed into a cookie, looked up anew on every request.

So a revoked key ends its sessions, what it may do is what the key may do now, and nothing is kept on our side.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from notifier.bootstrap.application import Application
from notifier.domain.errors import ConfigError, NotifierError
from notifier.services.api_keys import Caller, Scope
from notifier.services.audit import Actor
from notifier.services.secretbox import SecretBox

PATH = "/console"
_COOKIE = "notifier_console"
_LASTS = timedelta(hours=12)


class NotSignedInError(NotifierError):
    """Nobody is signed in, or their time is over: ask for the key."""


class ForbiddenError(NotifierError):
    """The key does not open this, or the form was not made by this console for this session."""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in person: what their key opens, and the mark that their own forms bear."""

    caller: Caller
    actor: Actor
    form_mark: str

    def may(self, scope: Scope) -> bool:
        """Whether the key opens this."""
        return scope in self.caller.scopes

    def need(self, scope: Scope) -> None:
        """Go on only with this scope.

        Raises:
            ForbiddenError: the key lacks it.
        """
        if not self.may(scope):
            raise ForbiddenError(f"This key lacks the scope {scope.value!r}")

    def check_form(self, mark: str) -> None:
        """Go on only with a form that this console gave this session (no other site can know the mark).

        Raises:
            ForbiddenError: it is somebody else's, or of an earlier session.
        """
        if not hmac.compare_digest(mark.encode(), self.form_mark.encode()):
            raise ForbiddenError("This form is not of your session: open the page again")


class Sessions:
    """Makes and reads the cookie."""

    def __init__(self, application: Application) -> None:
        """Take the installation; opens nothing."""
        self._keys = application.api_keys
        self._clock = application.clock
        self._box = SecretBox(application.secret_keys, "console session")
        self._secure = application.settings.deployment.public_url.startswith("https://")

    def of(self, request: Request) -> Session:
        """Return whose request this is.

        Raises:
            NotSignedInError: no cookie, or one that opens nothing any more.
        """
        sealed = request.cookies.get(_COOKIE, "")
        caller = self._keys.authenticate(self._key_in(sealed))
        if caller is None:
            raise NotSignedInError("sign in")
        origin = request.client.host if request.client else "unknown"
        mark = hashlib.sha256(b"form " + sealed.encode()).hexdigest()
        return Session(caller, Actor(f"console:{caller.name}", origin), mark)

    def _key_in(self, sealed: str) -> str:
        try:
            until, _, key = self._box.open(sealed).partition(" ")
        except ConfigError:  # not sealed by us, or by a key that is no longer listed
            raise NotSignedInError("sign in") from None
        if self._clock().timestamp() >= float(until):
            raise NotSignedInError("signed in too long ago")
        return key

    def begin(self, response: Response, key: str) -> bool:
        """Sign in: set the cookie when the key is one of ours and may look."""
        caller = self._keys.authenticate(key)
        if caller is None or Scope.READ not in caller.scopes:
            return False
        until = (self._clock() + _LASTS).timestamp()
        response.set_cookie(
            _COOKIE,
            self._box.seal(f"{until:.0f} {key}"),
            max_age=int(_LASTS.total_seconds()),
            path=PATH,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return True

    @staticmethod
    def end(response: Response) -> None:
        """Sign out."""
        response.delete_cookie(_COOKIE, path=PATH, httponly=True, samesite="strict")
