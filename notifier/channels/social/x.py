"""Post on X with tweepy: API v2, OAuth 1.0a user context.

X has no idempotency key. Instead, the text is the same on every attempt and unique per update, we
read our own posts after an unknown outcome, and X refuses a repeated text with a 403, which proves
that the post exists.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import tweepy

from notifier.channels.base import RateBudget, SocialLimits, TooLargeError
from notifier.channels.redact import hush
from notifier.channels.social.session import DirectSession
from notifier.channels.social.x_media import LITERAL, upload
from notifier.channels.social.x_text import is_same_post, post_cost
from notifier.channels.status_mapping import (
    X_STATUSES,
    ExchangeError,
    ProviderResponse,
    RefusedError,
    Rules,
    failure,
    header_number,
    header_time,
)
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import Picture, PostReceipt, SocialPost
from notifier.domain.values import Reason
from notifier.observability import get_logger

USUAL_URL = "https://api.x.com"
_REAL = frozenset({"https://api.x.com", "https://api.twitter.com"})

LOOK_AFTER = timedelta(seconds=15)  # timelines lag 10 to 30 s; looking earlier proves nothing
_BEFORE = timedelta(seconds=60)  # clock skew: how far before the attempt to search
_DUPLICATES_KEPT = timedelta(days=7)  # undocumented; a day was observed
_PAGE, _PAGES = 100, 5  # an account may post 100 times in 15 minutes
_WINDOWS = ("x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour")
_LIMIT = 280
_POSTS = "/2/tweets"

_log = get_logger(__name__)


def x_message(body: Mapping[str, Any]) -> str:
    """Return X's error message, from a problem body or the older format."""
    errors = body.get("errors")
    texts = (
        [str(one.get("message") or "") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    )
    detail = body.get("detail") or body.get("title") or ""
    return "; ".join(dict.fromkeys(filter(None, [*texts[:5], str(detail)])))


def x_budget(headers: Mapping[str, str]) -> RateBudget | None:
    """Read the rate headers: the exhausted window that resets last, else the 15-minute window.

    If a daily cap is exhausted, `x-rate-limit-reset` is the wrong time to wait for.
    """
    windows = []
    for prefix in _WINDOWS:
        remaining = header_number(headers.get(f"{prefix}-remaining"))
        resets_at = header_time(headers.get(f"{prefix}-reset"))
        if remaining is not None or resets_at is not None:
            limit = header_number(headers.get(f"{prefix}-limit"))
            windows.append(RateBudget(remaining=remaining, limit=limit, resets_at=resets_at))
    exhausted = [window for window in windows if window.exhausted and window.resets_at is not None]
    if exhausted:
        return max(exhausted, key=lambda window: window.resets_at or datetime.min)  # noqa: DTZ901 - filtered above
    return windows[0] if windows else None


RULES = Rules(provider="x", statuses=X_STATUSES, budget=x_budget, message=x_message)


class XSender:
    """Posts for one account on X. Not thread-safe; opens nothing before the first call."""

    deduplicates = False
    looks = 3  # timelines lag
    can_edit = False  # needs `edit_options`, which tweepy does not support, and a Premium account

    def __init__(
        self,
        *,
        account: str,
        consumer_key: str,
        consumer_secret: str,
        access_token: str,
        access_token_secret: str,
        clock: Callable[[], datetime],
        base_url: str = USUAL_URL,
        timeouts: tuple[float, float] = (5.0, 20.0),
        characters: int = _LIMIT,
    ) -> None:
        """The four keys are tweepy's; `base_url` may have a path; `timeouts`: connect, read (s)."""
        hush("tweepy", "oauthlib", "requests_oauthlib", "urllib3")
        self.account = account
        self.budget: RateBudget | None = None
        self._clock, self._characters = clock, characters
        self._secrets = (consumer_key, consumer_secret, access_token, access_token_secret)
        self._client = tweepy.Client(
            consumer_key=consumer_key,
            consumer_secret=consumer_secret,
            access_token=access_token,
            access_token_secret=access_token_secret,
            return_type=dict,
            wait_on_rate_limit=False,  # it would sleep, or recurse for ever without a reset header
        )
        base_url = base_url.rstrip("/")
        self._client.session = DirectSession(
            on_answer=self._note_rate,
            rewrite=None if base_url in _REAL else (LITERAL, f"{base_url}/"),
            timeouts=timeouts,
        )
        self._user_id = access_token.partition("-")[0]  # X's access tokens begin with the user id

    def post(self, post: SocialPost) -> PostReceipt:
        """Publish; see `SocialSender.post`."""
        parent = _parent(post)
        extra: dict[str, str] = {}
        media = self._upload(post.picture, extra) if post.picture is not None else None
        try:
            return self._create(post, parent, media, extra)
        except RefusedError as refused:
            if media is not None and refuses_picture(refused.answer):
                return self.post(replace(post, picture=None))
            if parent is None or not refuses_reply(refused.answer):
                return self._after_refusal(post, refused)
        extra["standalone"] = "reply_refused"
        try:
            return self._create(post, None, media, extra)
        except RefusedError as refused:
            return self._after_refusal(post, refused)

    def find(self, post: SocialPost, since: datetime) -> PostReceipt | None:
        """Search the account's own posts; see `SocialSender.find`."""
        incomplete = False
        for page in self._own_posts(since - _BEFORE):
            for found in page.get("data") or ():
                if isinstance(found, dict) and is_same_post(post.text, found):
                    return _receipt(str(found.get("id") or ""), {"found": "timeline"})
            incomplete = incomplete or bool(page.get("errors"))
        if incomplete:
            raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "the timeline is incomplete", retry_after=LOOK_AFTER)
        return None

    def edit(self, receipt: PostReceipt, post: SocialPost) -> PostReceipt:
        """Always raise; see `can_edit`."""
        del post
        raise PermanentDeliveryError(Reason.REJECTED, f"post {receipt.id}: X is not edited by this product")

    def delete(self, receipt: PostReceipt) -> None:
        """Delete a post; see `SocialSender.delete`."""
        try:
            self._client.delete_tweet(receipt.id, user_auth=True)
        except RefusedError as refused:
            if refused.answer.status != 404:  # noqa: PLR2004 - already deleted
                raise self._failure(refused) from None
        except ExchangeError as error:
            raise self._failure(error) from None

    def limits(self) -> SocialLimits:
        """Return twitter-text's weighted 280 (configuration 3), or the account's own limit."""
        return SocialLimits(characters=self._characters, url_characters=23, pictures=4)

    def close(self) -> None:
        """Close idle connections."""
        self._client.session.close()

    def _upload(self, picture: Picture, extra: dict[str, str]) -> list[str] | None:
        """Upload a picture; on failure the post is sent without it rather than late."""
        try:
            return [upload(self._client, picture)]
        except ExchangeError as error:
            extra["picture"] = self._failure(error).reason.value
            return None

    def _create(
        self, post: SocialPost, parent: str | None, media: list[str] | None, extra: Mapping[str, str]
    ) -> PostReceipt:
        try:
            answer = self._client.create_tweet(
                text=post.text, in_reply_to_tweet_id=parent, media_ids=media, user_auth=True
            )
        except RefusedError:
            raise
        except ExchangeError as error:
            raise self._failure(error) from None
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("id"), str):
            detail = "the answer names no post"
            raise OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, detail, retry_after=LOOK_AFTER)
        cost = post_cost(str(data.get("text") or post.text))
        return _receipt(data["id"], {**extra, "cost_usd": str(cost)})

    def _after_refusal(self, post: SocialPost, refused: RefusedError) -> PostReceipt:
        """Find the post that a duplicate-content refusal proves to exist; else raise."""
        answer = refused.answer
        if not is_duplicate(answer):
            raise self._failure(refused) from None
        try:
            found = self.find(post, self._clock() - _DUPLICATES_KEPT)
        except DeliveryError as error:
            _log.warning("x_duplicate_lookup_failed", account=self.account, error=error.detail)
            found = None
        if found is not None:
            return PostReceipt(id=found.id, url=found.url, extra={"found": "duplicate"})
        # Never alter the text to evade the check: the post is public, even if we cannot find it.
        _log.warning("x_duplicate_not_found", account=self.account, post_key=post.key)
        return PostReceipt(id="", extra={"found": "no", "reason": Reason.DUPLICATE.value})

    def _own_posts(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield pages of the account's posts since then, newest first."""
        token: str | None = None
        for _ in range(_PAGES):
            try:
                page = self._client.get_users_tweets(
                    self._user_id,
                    user_auth=True,
                    max_results=_PAGE,
                    start_time=since,
                    exclude=["retweets"],
                    pagination_token=token,
                    tweet_fields=["created_at", "conversation_id", "entities", "referenced_tweets"],
                )
            except ExchangeError as error:
                raise self._as_unknown_outcome(self._failure(error)) from None
            if not isinstance(page, dict):
                raise self._as_unknown_outcome(TransientDeliveryError(Reason.SERVER_ERROR, "the timeline is no object"))
            yield page
            meta = page.get("meta")
            token = meta.get("next_token") if isinstance(meta, dict) else None
            if not token:
                return

    def _as_unknown_outcome(self, error: DeliveryError) -> DeliveryError:
        """Keep the outcome unknown when the search failed; a stopped account stays stopped."""
        if not isinstance(error, TransientDeliveryError | OutcomeUnknownError):
            return error
        wait = max(error.retry_after or LOOK_AFTER, LOOK_AFTER)
        return OutcomeUnknownError(error.reason, error.detail, status=error.status, retry_after=wait)

    def _failure(self, error: ExchangeError) -> DeliveryError:
        found = failure(error, RULES, now=self._clock(), secrets=self._secrets)
        if isinstance(found, OutcomeUnknownError) and (found.retry_after or timedelta(0)) < LOOK_AFTER:
            return OutcomeUnknownError(found.reason, found.detail, status=found.status, retry_after=LOOK_AFTER)
        if isinstance(error, RefusedError) and is_too_long(error.answer):
            return TooLargeError(found.detail, status=found.status)
        return found

    def _note_rate(self, answer: ProviderResponse) -> None:
        """Keep the remaining rate of posts; every endpoint of X has its own limit."""
        if answer.path.endswith(_POSTS):
            self.budget = x_budget(answer.headers) or self.budget


def refuses_picture(answer: ProviderResponse) -> bool:
    """Whether X refused a post because of its picture."""
    return answer.status == 400 and "media" in x_message(answer.json()).lower()  # noqa: PLR2004


def refuses_reply(answer: ProviderResponse) -> bool:
    """Whether X refused a post because its parent is deleted or closed to us (since 2026-02-23)."""
    if answer.status not in (400, 403):
        return False
    words = x_message(answer.json()).lower()
    about_reply = "reply" in words and ("not allowed" in words or "not visible" in words or "deleted" in words)
    return about_reply or "in_reply_to_tweet_id" in answer.body.decode("utf-8", "replace")


def is_duplicate(answer: ProviderResponse) -> bool:
    """Whether the account already has a post with the same text."""
    return answer.status == 403 and "duplicate content" in x_message(answer.json()).lower()  # noqa: PLR2004


def is_too_long(answer: ProviderResponse) -> bool:
    """Whether the text is too long; X responds with 400 or 403."""
    return answer.status in (400, 403) and "too long" in x_message(answer.json()).lower()


def _parent(post: SocialPost) -> str | None:
    """Return the id of the post to reply to; the thread's root if the last post's id is unknown."""
    for receipt in (post.reply_to, post.thread_root):
        if receipt is not None and receipt.id:
            return receipt.id
    return None


def _receipt(post_id: str, extra: Mapping[str, str]) -> PostReceipt:
    return PostReceipt(id=post_id, url=f"https://x.com/i/web/status/{post_id}", extra=dict(extra))
