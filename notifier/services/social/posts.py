"""List, edit and withdraw public posts, where the platform allows it. Audited."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from notifier.channels.base import SocialSender
from notifier.domain.errors import (
    ConfigError,
    ConflictError,
    DeliveryError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    PermanentDeliveryError,
    UnavailableError,
)
from notifier.domain.messages.brand import Account
from notifier.domain.messages.message import SocialPost
from notifier.rendering.social.post_links import shown
from notifier.rendering.text.counting import limit_of
from notifier.rendering.text.sanitize import clean_block
from notifier.services.ports import AccountLock, Clock
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import posts
from notifier.storage.deliveries.posts import PUBLISHED, StoredPost

Json = dict[str, Any]
_PREFIX = "post_"
_LONGEST = 10_000  # characters of input to check
_DIGITS = 19  # of a row id: 64 bits
T = TypeVar("T")
_Held = tuple[StoredPost, Account, SocialSender]


@dataclass(frozen=True)
class PostManager:
    """Lists, edits and withdraws posts.

    Raises:
        NotFoundError: there is no such post.
        ConflictError: it is withdrawn, its place is unknown, or the platform refuses.
        UnavailableError: the platform does not answer, or the account is busy; nothing is known to
            have changed.
    """

    database: Database
    clock: Clock
    accounts: Mapping[str, Account]
    sender: Callable[[str], SocialSender]
    account_lock: AccountLock

    def list(self, *, incident_id: str | None = None, before: int | None = None, limit: int = 100) -> list[Json]:
        """Return posts with an id below `before`, newest first; each has its id as `number`."""
        with self.database.read() as connection:
            return [
                _post(found) for found in posts.page(connection, incident_id=incident_id, before=before, limit=limit)
            ]

    def get(self, post_id: str) -> Json:
        """Return one post."""
        return _post(self._existing(post_id))

    def edit(self, post_id: str, text: str, actor: Actor) -> Json:
        """Replace the text of a public post, if the platform allows editing.

        Raises:
            InvalidInputError: the text is empty or too long for the platform.
        """
        with self._held(post_id) as (post, account, sender):
            if not sender.can_edit:
                raise ConflictError(f"{account.platform} lets nobody edit posts here: withdraw it, or post an update")
            shown_text = self._worded(text, account, sender.limits().characters)
            new = SocialPost(
                key=post_id,
                account=account.name,
                text=shown_text,
                locale=post.locale,
                posted_at=post.published_at,
            )
            receipt = _asked(lambda: sender.edit(post.receipt, new))
            with self.database.write() as connection:
                now = self.clock()
                posts.edited(connection, post.id, shown_text, receipt, now)
                detail = {"account": account.name, "text": [post.text, shown_text]}
                record(connection, actor, "post.edited", Subject("post", post_id), at=now, detail=detail)
        return self.get(post_id)

    def withdraw(self, post_id: str, actor: Actor) -> Json:
        """Delete a post from the platform; one that is gone there counts as withdrawn."""
        with self._held(post_id) as (post, account, sender):
            _asked(lambda: sender.delete(post.receipt))
            with self.database.write() as connection:
                now = self.clock()
                posts.withdrawn(connection, post.id, now)
                detail = {"account": account.name, "text": post.text, "url": post.receipt.url}
                record(connection, actor, "post.withdrawn", Subject("post", post_id), at=now, detail=detail)
        return self.get(post_id)

    @contextmanager
    def _held(self, post_id: str) -> Iterator[_Held]:
        """Take the account lock and return the post as of then."""
        account_name = self._existing(post_id).account
        account = self.accounts.get(account_name)
        if account is None:
            raise ConflictError(f"the account {account_name!r} is not configured any more")
        with self.account_lock.take(account.name) as ours:
            if not ours:
                raise UnavailableError(f"the account {account.name!r} is speaking")
            post = self._existing(post_id)
            if post.state != PUBLISHED:
                raise ConflictError(f"{post_id} is withdrawn")
            if not post.receipt.id:
                raise ConflictError(f"nobody knows where {post_id} is: the platform has it and does not show it")
            with closing(self._sender(account.name)) as sender:
                yield post, account, sender

    def _sender(self, name: str) -> SocialSender:
        try:
            return self.sender(name)
        except ConfigError as error:
            raise ConflictError(f"the account {name!r} cannot be used: {error}") from error

    def _existing(self, post_id: str) -> StoredPost:
        number = post_id.removeprefix(_PREFIX)
        with self.database.read() as connection:
            known = number.isascii() and number.isdigit() and len(number) < _DIGITS
            found = posts.get(connection, int(number)) if known else None
        if found is None:
            raise NotFoundError("post", post_id)
        return found

    @staticmethod
    def _worded(text: str, account: Account, most: int) -> str:
        """Convert a text to the platform's form, within its limit."""
        shown_text = shown(clean_block(text, _LONGEST).strip(), account.platform).text
        limit = limit_of(account.platform, most)
        if not shown_text:
            raise InvalidInputError([FieldError("text", "is empty")])
        if not limit.fits(shown_text):
            length = limit.measure(shown_text)
            raise InvalidInputError(
                [FieldError("text", f"is {length} of {limit.most} long, as {account.platform} counts")]
            )
        return shown_text


def _asked(call: Callable[[], T]) -> T:
    """Call the platform; convert its errors to those of a use case."""
    try:
        return call()
    except PermanentDeliveryError as error:
        raise ConflictError(f"the platform refuses: {error.detail}") from error
    except DeliveryError as error:
        raise UnavailableError(f"the platform does not do it now: {error.detail}") from error


def _post(post: StoredPost) -> Json:
    return {
        "id": f"{_PREFIX}{post.id}",
        "number": post.id,
        "incident_id": post.incident_id,
        "account": post.account,
        "platform": post.platform,
        "locale": post.locale,
        "text": post.text,
        "url": post.receipt.url,
        "provider_id": post.receipt.id or None,
        "state": post.state,
        "published_at": instant_to_json(post.published_at),
        "changed_at": instant_to_json(post.changed_at),
    }
