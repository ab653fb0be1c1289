"""Post on a Mastodon instance with Mastodon.py.

The Idempotency-Key makes repeats safe for one hour. Our retries last longer, so after an unknown
outcome we read the account's own statuses first.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import mastodon

from notifier.channels.base import RateBudget, SocialLimits, TooLargeError
from notifier.channels.redact import hush
from notifier.channels.social.mastodon_text import is_same_status
from notifier.channels.social.session import DirectSession
from notifier.channels.status_mapping import (
    MASTODON_STATUSES,
    ExchangeError,
    NoAnswerError,
    ProviderResponse,
    RefusedError,
    Rules,
    failure,
    header_time,
    rate_budget,
)
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.message import Picture, PostReceipt, SocialPost
from notifier.domain.values import Reason
from notifier.observability import get_logger

_BEFORE = timedelta(seconds=60)  # clock skew: how far before the attempt to search
_LOOK = 40  # statuses, one page
_KEPT = timedelta(days=1)  # how long to cache an instance's limits
_ASK_AGAIN = timedelta(minutes=10)  # the same if the instance did not return any
_USUAL = SocialLimits(characters=500, url_characters=23, pictures=4)
_MOST = 1_000_000  # characters; a larger number must be an error
_POSTS = "/api/v1/statuses"
_FORBIDDEN, _NOT_FOUND, _UNPROCESSABLE = 403, 404, 422

_log = get_logger(__name__)

T = TypeVar("T")


def mastodon_message(body: Mapping[str, Any]) -> str:
    """Return the instance's error message."""
    words = (body.get("error"), body.get("error_description"))
    return ": ".join(word for word in words if isinstance(word, str) and word)


_VERSION = (4, 0, 0)  # the API we use: /api/v2/media is since 3.1.4, /api/v2/instance since 4.0

RULES = Rules(
    provider="mastodon", statuses=MASTODON_STATUSES, budget=rate_budget("x-ratelimit"), message=mastodon_message
)


class MastodonSender:
    """Posts for an account on an instance. Not thread-safe; opens nothing before the first call."""

    looks = 1  # the key protects until a new status is listed
    deduplicates = False  # only for an hour; our retries last longer, so call `find` first
    can_edit = True

    def __init__(
        self,
        *,
        account: str,
        access_token: str,
        base_url: str,
        clock: Callable[[], datetime],
        timeouts: tuple[float, float] = (5.0, 20.0),
    ) -> None:
        """The token needs `write:statuses`; for `find` also `read:accounts` and `read:statuses`."""
        hush("urllib3", "mastodon")
        self.account = account
        self.budget: RateBudget | None = None
        self._clock, self._secrets = clock, (access_token,)
        self._client = mastodon.Mastodon(
            api_base_url=base_url.rstrip("/"),
            ratelimit_method="throw",  # the default, "wait", sleeps
            request_timeout=timeouts,  # type: ignore[arg-type]  # requests accepts a pair
            session=DirectSession(on_answer=self._note_rate, timeouts=timeouts),
            mastodon_version=".".join(map(str, _VERSION)),
            version_check_mode="none",
        )
        # Set the version: if an instance does not report it, the library recurses endlessly.
        self._client.mastodon_major, self._client.mastodon_minor, self._client.mastodon_patch = _VERSION
        # The constructor would read the token from a file if one has that name.
        self._client.access_token = access_token
        self._limits: tuple[SocialLimits, datetime] | None = None
        self._own_id: str | None = None

    def post(self, post: SocialPost) -> PostReceipt:
        """Publish; see `SocialSender.post`."""
        extra: dict[str, str] = {}
        media = self._upload(post.picture, extra) if post.picture is not None else None
        parent = post.reply_to.id if post.reply_to is not None and post.reply_to.id else None
        try:
            return self._publish(post, parent, media, extra)
        except RefusedError as refused:
            if media is not None and refused.answer.status == _UNPROCESSABLE:  # perhaps the picture
                return self._without(post, parent, extra)
            if parent is None or refused.answer.status != _NOT_FOUND:
                raise self._failure(refused) from None
        extra["standalone"] = "parent_gone"
        try:
            return self._publish(post, None, media, extra)
        except RefusedError as refused:
            raise self._failure(refused) from None

    def _without(self, post: SocialPost, parent: str | None, extra: dict[str, str]) -> PostReceipt:
        """Publish the post without its picture."""
        extra["picture"] = Reason.REJECTED.value
        extra.pop("media_id", None)
        try:
            return self._publish(post, parent, None, extra)
        except RefusedError as refused:
            raise self._failure(refused) from None

    def find(self, post: SocialPost, since: datetime) -> PostReceipt | None:
        """Search the account's newest statuses; see `SocialSender.find`."""
        try:
            statuses = self._newest()
        except RefusedError as refused:
            if refused.answer.status == _FORBIDDEN:
                # A write-only token. The key protects for an hour; waiting longer helps no one.
                _log.warning("mastodon_statuses_unreadable", account=self.account)
                return None
            raise self._as_unknown_outcome(self._failure(refused)) from None
        except ExchangeError as error:
            raise self._as_unknown_outcome(self._failure(error)) from None
        for status in statuses:
            created = _created(status)
            if created is not None and created < since - _BEFORE:
                continue
            if is_same_status(post.text, str(status.get("content") or "")):
                return _receipt(status, {"found": "timeline"})
        return None

    def edit(self, receipt: PostReceipt, post: SocialPost) -> PostReceipt:
        """Replace the text; see `SocialSender.edit`."""
        try:
            # An edit removes every picture it does not list.
            media = [receipt.extra["media_id"]] if receipt.extra.get("media_id") else None
            status = self._call(lambda: self._client.status_update(receipt.id, post.text, media_ids=media))
            return _receipt(status, receipt.extra)
        except ExchangeError as error:
            raise self._failure(error) from None

    def delete(self, receipt: PostReceipt) -> None:
        """Delete a status; see `SocialSender.delete`."""
        try:
            self._call(lambda: self._client.status_delete(receipt.id))
        except RefusedError as refused:
            if refused.answer.status != _NOT_FOUND:
                raise self._failure(refused) from None
        except ExchangeError as error:
            raise self._failure(error) from None

    def limits(self) -> SocialLimits:
        """Return the instance's limits, cached for a day; 500 characters if it reports none."""
        now = self._clock()
        if self._limits is None or self._limits[1] <= now:
            found = self._discover()
            self._limits = (found or _USUAL, now + (_KEPT if found else _ASK_AGAIN))
        return self._limits[0]

    def close(self) -> None:
        """Close idle connections."""
        self._client.session.close()

    def _publish(
        self, post: SocialPost, parent: str | None, media: list[str] | None, extra: Mapping[str, str]
    ) -> PostReceipt:
        try:
            status = self._call(
                lambda: self._client.status_post(
                    post.text,
                    in_reply_to_id=parent,
                    media_ids=media,
                    visibility="public" if post.listed else "unlisted",
                    language=post.locale.partition("-")[0].lower(),  # ISO 639-1
                    idempotency_key=post.key,
                )
            )
        except RefusedError:
            raise
        except ExchangeError as error:
            raise self._failure(error) from None
        return _receipt(status, extra)

    def _upload(self, picture: Picture, extra: dict[str, str]) -> list[str] | None:
        """Upload a picture; on failure the post is sent without it rather than late."""
        try:
            media = self._call(
                lambda: self._client.media_post(
                    picture.data, mime_type=picture.media_type, description=picture.alt, file_name="card"
                )
            )
        except ExchangeError as error:
            extra["picture"] = self._failure(error).reason.value
            return None
        if not isinstance(media, dict) or not media.get("id"):
            return None
        extra["media_id"] = str(media["id"])
        return [extra["media_id"]]

    def _newest(self) -> list[dict[str, Any]]:
        if self._own_id is None:
            myself: object = self._call(self._client.account_verify_credentials)
            self._own_id = str(myself.get("id") or "") if isinstance(myself, dict) else ""
        own_id = self._own_id
        found = self._call(lambda: self._client.account_statuses(own_id, limit=_LOOK, exclude_reblogs=True))
        return [status for status in found if isinstance(status, dict)]

    def _discover(self) -> SocialLimits | None:
        for ask in (self._client.instance_v2, self._client.instance_v1):
            try:
                found = _limits_in(self._call(ask))
            except ExchangeError:
                continue
            if found is not None:
                return found
        return None

    def _call(self, action: Callable[[], T]) -> T:
        """Call the library; turn its exceptions into the ExchangeError that our session raised."""
        try:
            return action()
        except mastodon.MastodonNetworkError as error:
            cause = error.__context__
            if isinstance(cause, ExchangeError):
                raise cause from None
            raise NoAnswerError("the library could not complete the request") from None
        except mastodon.MastodonError as error:
            # Our session passes on only readable 2xx responses, so the request was executed.
            raise NoAnswerError(f"the library could not read the answer: {type(error).__name__}") from None

    def _as_unknown_outcome(self, error: DeliveryError) -> DeliveryError:
        if isinstance(error, TransientDeliveryError):
            return OutcomeUnknownError(error.reason, error.detail, status=error.status, retry_after=error.retry_after)
        return error

    def _failure(self, error: ExchangeError) -> DeliveryError:
        found = failure(error, RULES, now=self._clock(), secrets=self._secrets)
        if found.status == _UNPROCESSABLE and "limit" in found.detail.lower():
            self._limits = None  # the instance has lowered its limit: ask again
            return TooLargeError(found.detail, status=found.status)
        return found

    def _note_rate(self, answer: ProviderResponse) -> None:
        """Keep the remaining rate of posts; pictures and deletions have their own limits."""
        if answer.path.endswith(_POSTS):
            self.budget = RULES.budget(answer.headers) or self.budget


def _receipt(status: object, extra: Mapping[str, str]) -> PostReceipt:
    if not isinstance(status, dict) or not status.get("id"):
        raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "the answer names no status")
    url = status.get("url")
    return PostReceipt(id=str(status["id"]), url=str(url) if url else None, extra=dict(extra))


def _created(status: Mapping[str, Any]) -> datetime | None:
    created = status.get("created_at")
    if isinstance(created, datetime):
        created = created.isoformat()
    return header_time(created) if isinstance(created, str) else None


def _limits_in(instance: object) -> SocialLimits | None:
    if not isinstance(instance, dict):
        return None
    configuration = instance.get("configuration")
    statuses = configuration.get("statuses") if isinstance(configuration, dict) else None
    if not isinstance(statuses, dict):
        statuses = {"max_characters": instance.get("max_toot_chars")}  # forks before 4.0
    characters = _count(statuses.get("max_characters"))
    if characters is None or not 0 < characters <= _MOST:
        return None
    url = _count(statuses.get("characters_reserved_per_url"))
    pictures = _count(statuses.get("max_media_attachments"))
    return SocialLimits(
        characters=characters,
        url_characters=_USUAL.url_characters if url is None else url,
        pictures=_USUAL.pictures if pictures is None else pictures,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
