"""What is true of every sender before it is used."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from notifier.channels.base import MailSender, SocialSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.channels.social.bluesky import BlueskySender
from notifier.channels.social.mastodon import MastodonSender
from notifier.channels.social.x import XSender


def now() -> datetime:
    return datetime.now(UTC)


def sendgrid() -> MailSender:
    return SendGridSender(api_key="SG.key", clock=now)


def smtp() -> MailSender:
    return SmtpSender(SmtpServer(host="relay.example", port=587), clock=now)


def x() -> SocialSender:
    keys = {"consumer_key": "a", "consumer_secret": "b", "access_token": "1-c", "access_token_secret": "d"}
    return XSender(account="x-nl", clock=now, **keys)  # type: ignore[arg-type]


def mastodon() -> SocialSender:
    return MastodonSender(account="m-nl", access_token="t", base_url="https://social.example", clock=now)


def bluesky() -> SocialSender:
    return BlueskySender(account="b-nl", handle="b.example", app_password="p", clock=now)


@pytest.mark.parametrize("make", [sendgrid, smtp, x, mastodon, bluesky], ids=lambda make: make.__name__)
def test_a_constructor_opens_nothing(
    make: Callable[[], MailSender | SocialSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a constructor opened a socket or asked for a name")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    make().close()


@pytest.mark.parametrize(
    ("make", "deduplicates"), [(x, False), (mastodon, False), (bluesky, True)], ids=["x", "mastodon", "bluesky"]
)
def test_only_bluesky_drops_repeats_for_as_long_as_we_repeat(
    make: Callable[[], SocialSender], *, deduplicates: bool
) -> None:
    assert make().deduplicates is deduplicates


@pytest.mark.parametrize("make", [sendgrid, smtp], ids=["sendgrid", "smtp"])
def test_no_mail_provider_drops_repeats(make: Callable[[], MailSender]) -> None:
    assert not make().deduplicates
    assert make().max_batch == 1_000
