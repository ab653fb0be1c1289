"""Authenticate callers: OAuth 1.0a signatures and OAuth 2.0 user tokens."""

from typing import NoReturn

from starlette.requests import Request

from notifier.sandbox.credentials import X_APP_ONLY_BEARER, XAccount, x_account_of, x_account_of_bearer
from notifier.sandbox.live import Live
from notifier.sandbox.x.errors import Refused, problem
from notifier.sandbox.x.oauth1 import HOSTS, BadSignatureError, SignatureCheck

_PREFIX = "/x"


class Callers:
    """Finds the account of a request."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._signatures = SignatureCheck(self._signer)

    def account(self, request: Request, now: float) -> XAccount:
        """Return the account that makes a call.

        A signature may cover X's own URL (tweepy signs that, wherever the request goes) or the
        sandbox's.

        Raises:
            Refused: 401, or 403 for an app-only token.
        """
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer":
            return self._bearer(token)
        path = request.url.path.removeprefix(_PREFIX)
        own = f"{request.url.scheme}://{request.url.netloc}"
        urls = [*(host + path for host in HOSTS), own + request.url.path, own + path]
        query = request.query_params.multi_items()
        skew = self._live.config.x.clock_skew
        try:
            return self._signatures.account(header, request.method, urls, query, now=now, skew=skew)
        except BadSignatureError:
            raise Refused(401, problem(401)) from None

    def _bearer(self, token: str) -> XAccount:
        if token == X_APP_ONLY_BEARER:
            _refuse_app_only()
        config = self._live.config
        listed = next((account for account in config.x_accounts if account.bearer_token == token), None)
        account = listed or (x_account_of_bearer(token) if config.open_accounts else None)
        if account is None:
            raise Refused(401, problem(401))
        return account

    def _signer(self, consumer_key: str, access_token: str) -> XAccount | None:
        config = self._live.config
        listed = next((account for account in config.x_accounts if account.access_token == access_token), None)
        account = listed or (x_account_of(access_token) if config.open_accounts else None)
        return account if account is not None and account.consumer_key == consumer_key else None


def _refuse_app_only() -> NoReturn:
    detail = (
        "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint. Supported authentication types "
        "are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
    )
    kind = "https://api.twitter.com/2/problems/unsupported-authentication"
    raise Refused(403, problem(403, detail, title="Unsupported Authentication", type=kind))
