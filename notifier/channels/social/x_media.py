"""Upload pictures to X before posting. tweepy's client has no call for it, so use its session."""

from contextlib import suppress

import requests
import tweepy

from notifier.channels.status_mapping import ExchangeError, NoAnswerError, NotSentError
from notifier.domain.messages.message import Picture

LITERAL = "https://api.twitter.com/"  # hard-coded in tweepy; the session rewrites it
_LARGEST = 5 * 1024 * 1024  # bytes of an image
_LONGEST_ALT = 1_000  # characters


def upload(client: tweepy.Client, picture: Picture) -> str:
    """Upload one picture with its alternative text; return the media id.

    Raises:
        ExchangeError: the upload failed.
    """
    if len(picture.data) > _LARGEST:
        raise NotSentError("the picture is too large")
    response: requests.Response = client.session.post(
        f"{LITERAL}2/media/upload",
        data={"media_category": "tweet_image"},
        files={"media": ("card", picture.data, picture.media_type)},
        auth=_signature(client),
    )
    found = response.json()
    data = found.get("data") if isinstance(found, dict) else None
    media_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(media_id, str):
        raise NoAnswerError("the answer names no media")
    _describe(client, media_id, picture.alt)
    return media_id


def _describe(client: tweepy.Client, media_id: str, alt: str) -> None:
    """Set the alternative text; the picture is used even if this fails."""
    body = {"id": media_id, "metadata": {"alt_text": {"text": alt[:_LONGEST_ALT]}}}
    with suppress(ExchangeError):
        client.session.post(f"{LITERAL}2/media/metadata", json=body, auth=_signature(client))


def _signature(client: tweepy.Client) -> requests.auth.AuthBase:
    # An OAuth 1.0a signature covers neither multipart nor JSON bodies (RFC 5849 section 3.4.1.3).
    handler = tweepy.OAuth1UserHandler(
        client.consumer_key, client.consumer_secret, client.access_token, client.access_token_secret
    )
    signature: requests.auth.AuthBase = handler.apply_auth()
    return signature
