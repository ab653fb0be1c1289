"""Posts: a sender per account, attempts, and withdrawal."""

from datetime import timedelta

from notifier.bootstrap.container import Container
from notifier.bootstrap.words import build_renderer
from notifier.channels.base import SessionStore, SocialSender
from notifier.domain.values import Channel, Platform
from notifier.queueing.account_lock import RedisAccountLock
from notifier.queueing.rate_limiter import RedisRateLimiter
from notifier.rendering.cards.drawing import paint
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.dispatch.social import PostAttempt
from notifier.services.operations.heartbeat import STILL
from notifier.services.ports import Clock
from notifier.services.security.secretbox import SecretBox
from notifier.services.social.posts import PostManager
from notifier.services.social.sessions import AccountSessions
from notifier.settings import AccountSpec


def build_post_manager(container: Container) -> PostManager:
    """Build the editor of posts; it loads credentials and libraries when a platform is used."""
    sessions, accounts = (
        _sessions(container),
        {account.name: account for account in container.settings.account_values()},
    )

    def sender(name: str) -> SocialSender:
        spec = next(spec for spec in container.settings.accounts() if spec.account.name == name)
        return _sender(spec, container.clock, sessions)

    return PostManager(
        container.database, container.clock, accounts, sender, _account_lock(container, container.settings.lease)
    )


def _sessions(container: Container) -> AccountSessions:
    return AccountSessions(container.database, SecretBox(container.secret_keys, "account session"), container.clock)


def _account_lock(container: Container, lease: timedelta) -> RedisAccountLock:
    return RedisAccountLock(container.settings.queue_addresses().redis, lease=lease.total_seconds())


def build(container: Container, record: RecordOutcome) -> PostAttempt:
    """Build the post attempt; opens nothing.

    Raises:
        ConfigError: An account lacks a credential.
    """
    sessions, specs = _sessions(container), container.settings.accounts()
    accounts = {spec.account.name: spec.account for spec in specs}
    senders = {spec.account.name: _sender(spec, container.clock, sessions) for spec in specs}
    # Installations that use the same account share its rate limits.
    rate_limiter, account_lock = (
        RedisRateLimiter(container.settings.queue_addresses().redis, "posts", container.clock),
        _account_lock(container, STILL),
    )
    # Renew account locks with each heartbeat, so that they end with the worker.
    container.heartbeat.renew.insert(0, account_lock.renew)
    known = (container.database, container.clock, build_renderer(container), accounts, senders, record)
    return PostAttempt(*known, account_lock, rate_limiter, container.circuits[Channel.SOCIAL], paint)


def _sender(spec: AccountSpec, clock: Clock, sessions: SessionStore) -> SocialSender:
    """Build the sender of an account; loads its platform's library (up to 80 MB)."""
    name, platform = spec.account.name, spec.account.platform
    secret = {field: value.get_secret_value() for field, value in spec.credentials.items()}
    url = spec.base_url + (f"/{platform}" if spec.in_sandbox else "")
    match platform:
        case Platform.X:
            from notifier.channels.social.x import XSender  # noqa: PLC0415 - loads tweepy

            return XSender(
                account=name,
                consumer_key=secret["CONSUMER_KEY"],
                consumer_secret=secret["CONSUMER_SECRET"],
                access_token=secret["ACCESS_TOKEN"],
                access_token_secret=secret["ACCESS_TOKEN_SECRET"],
                clock=clock,
                base_url=url,
            )
        case Platform.MASTODON:
            from notifier.channels.social.mastodon import MastodonSender  # noqa: PLC0415 - loads Mastodon.py

            return MastodonSender(account=name, access_token=secret["ACCESS_TOKEN"], base_url=url, clock=clock)
        case Platform.BLUESKY:
            from notifier.channels.social.bluesky import BlueskySender  # noqa: PLC0415 - loads atproto

            return BlueskySender(
                account=name,
                handle=secret["HANDLE"],
                app_password=secret["APP_PASSWORD"],
                clock=clock,
                base_url=url,
                sessions=sessions,
            )
