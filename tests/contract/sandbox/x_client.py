"""tweepy pointed at the sandbox: by a transport adapter, so that the signature covers X's own address."""

from typing import Any

import requests
import tweepy
from requests.adapters import HTTPAdapter

from notifier.sandbox.credentials import x_account

X_HOST = "https://api.twitter.com/"


class ToSandbox(HTTPAdapter):
    def __init__(self, base_url: str, timeout: float = 5.0) -> None:
        super().__init__()
        self._base_url, self._timeout = base_url, timeout

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = f"{self._base_url}/{request.url.removeprefix(X_HOST)}"
        return super().send(request, *args, **(kwargs | {"timeout": self._timeout, "proxies": {}}))


def x_client(base_url: str, name: str = "x-nl", *, timeout: float = 5.0, **changes: Any) -> tweepy.Client:
    account = x_account(name)
    keys = {
        "consumer_key": account.consumer_key,
        "consumer_secret": account.consumer_secret,
        "access_token": account.access_token,
        "access_token_secret": account.access_token_secret,
    }
    client = tweepy.Client(**(keys | changes))
    client.session.mount(X_HOST, ToSandbox(base_url, timeout))
    return client
