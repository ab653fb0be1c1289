"""`com.atproto.server.*`: login, refresh, and authentication of callers."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from notifier.sandbox.answers import empty_answer, json_answer
from notifier.sandbox.bluesky.errors import Refused
from notifier.sandbox.bluesky.rates import take_login
from notifier.sandbox.bluesky.repo import Repo
from notifier.sandbox.bluesky.tokens import ACCESS, REFRESH, Tokens
from notifier.sandbox.credentials import BlueskyAccount, bluesky_account_of
from notifier.sandbox.live import Live


class Sessions:
    """The accounts of one server and their sessions; `repos` by DID."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._tokens = Tokens()
        self.repos: dict[str, Repo] = {}

    def create(self, body: dict[str, Any], now: float) -> Response:
        """Handle `createSession`.

        Raises:
            Refused: 400, 401 or 429.
        """
        identifier, password = body.get("identifier"), body.get("password")
        if not isinstance(identifier, str) or not isinstance(password, str):
            raise Refused(400, "InvalidRequest", 'Input must have the properties "identifier" and "password"')
        account = self._account(identifier.strip().lower().removeprefix("@"))
        if account is None:
            raise Refused(401, "AuthenticationRequired", "Invalid identifier or password")
        repo = self.repos.setdefault(account.did, Repo(account))
        headers = take_login(repo.windows, self._live.config.bluesky, now)
        if password != account.app_password:
            raise Refused(401, "AuthenticationRequired", "Invalid identifier or password", headers)
        return json_answer(200, self._session(account, now), headers)

    def refresh(self, request: Request, now: float) -> Response:
        """Handle `refreshSession`.

        Raises:
            Refused: 400 or 401.
        """
        token = _bearer(request)
        repo = self._repo_of(self._tokens.subject(token, REFRESH, now))
        self._tokens.use(token, now)
        return json_answer(200, self._session(repo.account, now))

    def end(self, request: Request, now: float) -> Response:
        """Handle `deleteSession`.

        Raises:
            Refused: 400 or 401.
        """
        token = _bearer(request)
        self._tokens.subject(token, REFRESH, now)
        self._tokens.revoke(token, now)
        return empty_answer(200)

    def show(self, request: Request, now: float) -> Response:
        """Handle `getSession`.

        Raises:
            Refused: 400 or 401.
        """
        account = self.caller(request, now).account
        return json_answer(200, {"handle": account.handle, "did": account.did, "active": True})

    def caller(self, request: Request, now: float) -> Repo:
        """Return the repository of the calling account.

        Raises:
            Refused: 401 `AuthMissing`, 400 `InvalidToken` or `ExpiredToken`.
        """
        return self._repo_of(self._tokens.subject(_bearer(request), ACCESS, now))

    def find(self, actor: str) -> Repo | None:
        """Return the repository of a DID or handle that has logged in before."""
        return next((repo for repo in self.repos.values() if actor in (repo.account.did, repo.account.handle)), None)

    def _repo_of(self, did: str) -> Repo:
        return self.repos[did]  # only accounts with a repository get tokens

    def _session(self, account: BlueskyAccount, now: float) -> dict[str, Any]:
        """Return a session without `didDoc`, which would make clients switch to another server."""
        rules = self._live.config.bluesky
        return {
            "accessJwt": self._tokens.issue(account.did, ACCESS, now, rules.access_token_life),
            "refreshJwt": self._tokens.issue(account.did, REFRESH, now, rules.refresh_token_life),
            "handle": account.handle,
            "did": account.did,
            "active": True,
        }

    def _account(self, identifier: str) -> BlueskyAccount | None:
        config = self._live.config
        listed = (one for one in config.bluesky_accounts if identifier in (one.handle, one.did))
        known = self.find(identifier)
        derived = bluesky_account_of(identifier) if config.open_accounts else None
        return next(listed, None) or (known.account if known else derived)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "AuthMissing", "Authentication Required")
    return token
