"""Post on Bluesky with atproto: a fixed record key per post makes a repeat overwrite itself."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from notifier.channels.base import RateBudget, SessionStore, SocialLimits, TooLargeError
from notifier.channels.redact import hush
from notifier.channels.social.bluesky_login import LOGIN_ENDED, BlueskyLogin, LoginError, library
from notifier.channels.social.bluesky_record import COLLECTION, can_reply, post_record, upload_blob
from notifier.channels.social.bluesky_transport import DirectTransport, ForeignServerError, Servers
from notifier.channels.social.tid import record_key
from notifier.channels.status_mapping import (
    BLUESKY_STATUSES,
    ExchangeError,
    ProviderResponse,
    RefusedError,
    Rules,
    failure,
    rate_budget,
    surely_not_done,
)
from notifier.domain.errors import ChannelStoppedError, DeliveryError, OutcomeUnknownError, PermanentDeliveryError
from notifier.domain.messages.message import Picture, PostReceipt, SocialPost
from notifier.domain.values import Reason

USUAL_URL = "https://bsky.social"
_USUAL_HOSTS = (".host.bsky.network",)  # the servers of accounts that log in at bsky.social
_LIMITS = SocialLimits(characters=300, utf8_bytes=3_000, pictures=4)
_POSTS = "/com.atproto.repo.putRecord"
_LARGEST_PICTURE = 1_000_000  # bytes, app.bsky.embed.images

T = TypeVar("T")


def bluesky_message(body: Mapping[str, Any]) -> str:
    """Return the server's error name and message."""
    words = (body.get("error"), body.get("message"))
    return ": ".join(word for word in words if isinstance(word, str) and word)


RULES = Rules(provider="bluesky", statuses=BLUESKY_STATUSES, budget=rate_budget("ratelimit"), message=bluesky_message)


class BlueskySender:
    """Posts for one account. Not thread-safe; opens and imports nothing before the first call."""

    looks = 0
    deduplicates = True  # the same key and the same content: 200, the same cid, no new commit
    can_edit = False  # a record can be replaced, but apps may keep showing the old one

    def __init__(
        self,
        *,
        account: str,
        handle: str,
        app_password: str,
        clock: Callable[[], datetime],
        base_url: str = USUAL_URL,
        hosts: Sequence[str] | None = None,
        sessions: SessionStore | None = None,
        timeouts: tuple[float, float] = (5.0, 20.0),
    ) -> None:
        """Open nothing.

        Args:
            account: The account's name in `notifier.toml`.
            handle: As in `name.bsky.social`.
            app_password: Never the main password.
            clock: Returns the current aware UTC time.
            base_url: The server to log in to; may have a path.
            hosts: Other servers the account may live on (leading dot: all subdomains). Default:
                Bluesky's own if `base_url` is Bluesky's. The sender connects to no other server.
            sessions: Keeps the login between processes.
            timeouts: Seconds to connect, and for the rest of a call.
        """
        hush("httpx", "httpcore", level=logging.WARNING)  # httpx reports every request at INFO
        self.account = account
        self.budget: RateBudget | None = None
        self._clock = clock
        base_url = base_url.rstrip("/")
        if hosts is None:
            hosts = _USUAL_HOSTS if urlsplit(base_url).hostname == urlsplit(USUAL_URL).hostname else ()
        servers = Servers(base_url, hosts)
        self._login = BlueskyLogin(
            account=account,
            handle=handle,
            app_password=app_password,
            base_url=base_url,
            servers=servers,
            transport=lambda: DirectTransport(servers, self._note_rate, timeouts),
            store=sessions,
        )

    def post(self, post: SocialPost) -> PostReceipt:
        """Publish; see `SocialSender.post`."""
        size, most = len(post.text.encode("utf-8", "replace")), _LIMITS.utf8_bytes or 0
        if size > most:
            raise TooLargeError(f"{size} bytes, at most {most}")
        extra: dict[str, str] = {}
        if post.reply_to is not None and not can_reply(post.reply_to):
            extra["standalone"] = "parent_unknown"
        image = self._upload(post.picture, extra) if post.picture is not None else None
        try:
            record = post_record(post, image=image)
        except ValueError as error:
            raise PermanentDeliveryError(Reason.REJECTED, f"no valid record: {type(error).__name__}") from None
        key = record_key(post.account, post.key, post.posted_at)
        try:
            written = self._run(lambda client: client.com.atproto.repo.put_record(self._put(key, record)))
        except PermanentDeliveryError as error:
            if image is None or "blob" not in error.detail.lower():
                raise
            return self.post(replace(post, picture=None))
        return self._receipt(str(written.uri), str(written.cid), extra)

    def find(self, post: SocialPost, since: datetime) -> PostReceipt | None:
        """Read the record by its key, which ignores `since`; see `SocialSender.find`."""
        del since
        key = record_key(post.account, post.key, post.posted_at)

        def read(client: Any) -> Any:
            parameters = library().models.ComAtprotoRepoGetRecord.Params(
                repo=self._login.did, collection=COLLECTION, rkey=key
            )
            return client.com.atproto.repo.get_record(parameters)

        try:
            found = self._exchange(read)
        except RefusedError as refused:
            if refused.answer.json().get("error") == "RecordNotFound":
                return None
            raise self._failure(refused) from None
        except ExchangeError as error:
            raise self._failure(error) from None
        return self._receipt(str(found.uri), str(found.cid or ""), {"found": "record"})

    def edit(self, receipt: PostReceipt, post: SocialPost) -> PostReceipt:
        """Always raise; see `can_edit`."""
        del post
        raise PermanentDeliveryError(Reason.REJECTED, f"post {receipt.id}: posts on Bluesky are not edited")

    def delete(self, receipt: PostReceipt) -> None:
        """Delete a post; see `SocialSender.delete`."""
        key = receipt.id.rpartition("/")[2]

        def remove(client: Any) -> Any:
            data = library().models.ComAtprotoRepoDeleteRecord.Data(
                repo=self._login.did, collection=COLLECTION, rkey=key
            )
            return client.com.atproto.repo.delete_record(data)

        self._run(remove)

    def limits(self) -> SocialLimits:
        """Return the platform's limits: 300 graphemes, 3,000 bytes."""
        return _LIMITS

    def close(self) -> None:
        """Close connections; the session is kept."""
        self._login.close()

    def _put(self, key: str, record: Any) -> Any:
        # Read `repo` only at the call: the account's identifier is unknown before the login.
        return library().models.ComAtprotoRepoPutRecord.Data(
            repo=self._login.did, collection=COLLECTION, rkey=key, record=record
        )

    def _upload(self, picture: Picture, extra: dict[str, str]) -> Any:
        """Upload a picture; on failure the post is sent without it rather than late."""
        if len(picture.data) > _LARGEST_PICTURE:
            extra["picture"] = Reason.TOO_LARGE.value
            return None
        try:
            return self._run(lambda client: upload_blob(client, picture.data, picture.media_type))
        except DeliveryError as error:  # after an expired login, the post itself fails and waits
            extra["picture"] = error.reason.value
            return None

    def _run(self, action: Callable[[Any], T]) -> T:
        try:
            return self._exchange(action)
        except ExchangeError as error:
            raise self._failure(error) from None

    def _exchange(self, action: Callable[[Any], T]) -> T:
        try:
            return self._login.run(action)
        except LoginError as error:
            raise self._login_failure(error.cause) from None

    def _login_failure(self, cause: ExchangeError) -> DeliveryError:
        """Return the error for a failed login, which published nothing; a refusal stops sending."""
        found = surely_not_done(self._failure(cause))
        if isinstance(found, PermanentDeliveryError):
            return ChannelStoppedError(Reason.AUTH, found.detail, status=found.status)
        return found

    def _failure(self, error: ExchangeError) -> DeliveryError:
        if isinstance(error, ForeignServerError):
            return ChannelStoppedError(Reason.BLOCKED_TARGET, error.detail)
        found = failure(error, RULES, now=self._clock(), secrets=self._login.secrets())
        if isinstance(error, RefusedError) and error.answer.json().get("error") in LOGIN_ENDED:
            return ChannelStoppedError(Reason.AUTH, found.detail, status=found.status)  # after login
        if isinstance(found, PermanentDeliveryError) and "grapheme" in found.detail.lower():
            return TooLargeError(found.detail, status=found.status)
        return found

    def _receipt(self, uri: str, cid: str, extra: Mapping[str, str]) -> PostReceipt:
        if not uri or not cid:
            raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "the answer names no record")
        url = f"https://bsky.app/profile/{self._login.did}/post/{uri.rpartition('/')[2]}"
        return PostReceipt(id=uri, url=url, extra={**extra, "cid": cid})

    def _note_rate(self, answer: ProviderResponse) -> None:
        """Keep the remaining rate of posts; logins and pictures have their own limits."""
        if answer.path.endswith(_POSTS):
            self.budget = RULES.budget(answer.headers) or self.budget
