"""How posts leave: a sender per account, and the attempt on a post."""

from importlib import import_module

from notifier.bootstrap.core import Core
from notifier.bootstrap.words import build_renderer
from notifier.channels.base import SessionStore, SocialSender
from notifier.domain.values import Platform
from notifier.queueing.pacing import RedisPacer
from notifier.queueing.turns import RedisTurns
from notifier.rendering.cards import paint
from notifier.services.attempt_posts import PostAttempt
from notifier.services.outcomes import Record
from notifier.services.ports import Clock
from notifier.services.secretbox import SecretBox
from notifier.services.sessions import AccountSessions
from notifier.settings import AccountSpec

# A platform's library is loaded where an account lives there: one of them takes 80 MB.
_SENDERS = {
    Platform.X: ("notifier.channels.social.x", "XSender"),
    Platform.MASTODON: ("notifier.channels.social.mastodon", "MastodonSender"),
    Platform.BLUESKY: ("notifier.channels.social.bluesky", "BlueskySender"),
}


def build(core: Core, record: Record) -> PostAttempt:
    """Build the attempt; opens nothing.

    Raises:
        ConfigError: an account lacks a credential.
    """
    sessions = AccountSessions(core.database, SecretBox(core.secret_keys, "account session"), core.clock)
    specs = core.settings.accounts()
    accounts = {spec.account.name: spec.account for spec in specs}
    senders = {spec.account.name: _sender(spec, core.clock, sessions) for spec in specs}
    redis = core.settings.queue_addresses().redis
    turns = RedisTurns(redis, lease=core.settings.lease.total_seconds())
    # Whoever uses the same account shares its rates.
    pacer = RedisPacer(redis, "posts", core.clock)
    return PostAttempt(core.database, core.clock, build_renderer(core), accounts, senders, record, turns, pacer, paint)


def _sender(spec: AccountSpec, clock: Clock, sessions: SessionStore) -> SocialSender:
    platform = spec.account.platform
    module, name = _SENDERS[platform]
    # The credentials bear the names of the client library's own parameters.
    given: dict[str, object] = {field.lower(): value.get_secret_value() for field, value in spec.credentials.items()}
    if platform is Platform.BLUESKY:
        given["sessions"] = sessions
    url = spec.base_url + (f"/{platform}" if spec.in_sandbox else "")
    sender: SocialSender = getattr(import_module(module), name)(
        account=spec.account.name, clock=clock, base_url=url, **given
    )
    return sender
