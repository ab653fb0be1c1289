"""Leaks no secret: the same check for every channel, against peers that throw everything they were sent back at us."""

import base64
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from notifier.channels.base import MailSender, SocialSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.domain.errors import DeliveryError
from tests.contract.channels.bluesky_peer import jwt, session
from tests.contract.channels.mails import a_request, now, soon
from tests.contract.channels.posts import a_post, bluesky_sender, mastodon_sender, x_sender
from tests.contract.channels.scripted_server import Reply, Seen, Step, scripted
from tests.contract.channels.scripted_smtp import Script, smtp_peer

KEY = "SG.secretsecretsecretsec.SECRETSECRETSECRETSECRETSECRETSECRETSECRETS"
SECRET = "a/secret+with=signs-in-it"
STATUSES = [302, 400, 401, 403, 404, 413, 422, 429, 500, 502]


@dataclass(frozen=True)
class Channel:
    """A channel: how to make its sender, how to use it once, and what must not leak."""

    name: str
    sender: Callable[[str], Any]
    use: Callable[[Any], object]
    secrets: tuple[str, ...]


def send(sender: MailSender) -> object:
    return sender.send(a_request(1), deadline=soon())


def publish(sender: SocialSender) -> object:
    return sender.post(a_post())


X_KEYS = {
    "consumer_key": f"{SECRET}-1",
    "consumer_secret": f"{SECRET}-2",
    "access_token": f"12345-{SECRET}-3",
    "access_token_secret": f"{SECRET}-4",
}
CHANNELS = [
    Channel("sendgrid", lambda url: SendGridSender(api_key=KEY, clock=now, base_url=url, timeout=2.0), send, (KEY,)),
    Channel("x", lambda url: x_sender(url, now, **X_KEYS), publish, tuple(X_KEYS.values())),
    Channel("mastodon", lambda url: mastodon_sender(url, access_token=SECRET), publish, (SECRET,)),
    Channel("bluesky", lambda url: bluesky_sender(url, app_password=SECRET), publish, (SECRET, jwt("first-access"))),
]


def echo(status: int, seen: Seen) -> Step:
    """Repeat all that was sent in every field that any of the libraries or senders reads."""
    words = f"you sent {dict(seen.headers)} and {seen.body.decode('utf-8', 'replace')}"
    body = {
        "errors": [{"message": words, "field": words, "code": 1}],
        "error": words,
        "error_description": words,
        "message": words,
        "title": words,
        "detail": words,
    }
    return Reply(status, {"X-Echo": quote(words)[:2_000]}, body)


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged: sentences of libraries, and our events with their fields."""
    return [f"{caplog.text} {[vars(record) for record in caplog.records]}"]


def leaks(texts: list[str], secrets: tuple[str, ...]) -> list[str]:
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
    forms |= {base64.b64encode(secret.encode()).decode() for secret in secrets}
    return [text for text in texts if any(form in text for form in forms)]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_no_error_and_no_log_line_repeats_a_secret(
    channel: Channel, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(seen: Seen) -> Step:
        logs_in = seen.path.endswith("createSession") and status != 401
        return session() if logs_in else echo(status, seen)

    with ExitStack() as stack:
        stack.enter_context(everything_logged(caplog))
        peer = stack.enter_context(scripted(answer))
        sender = stack.enter_context(closing(channel.sender(peer.url)))
        with pytest.raises(DeliveryError) as raised:
            channel.use(sender)
    error = raised.value
    told = [str(error), repr(error), error.detail, repr(sender), "".join(traceback.format_exception(error))]
    assert leaks([*told, *lines(caplog)], channel.secrets) == []


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_success_is_not_logged_with_its_secrets_either(channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    bodies = {
        "data": {"id": "1", "text": "t"},
        "id": "1",
        "url": "https://m.example/1",
        "uri": "at://d/c/k",
        "cid": "b",
    }

    def answer(seen: Seen) -> Step:
        return session() if seen.path.endswith("createSession") else Reply(200, {"X-Message-Id": "m"}, bodies)

    with (
        everything_logged(caplog),
        scripted(answer) as peer,
        closing(channel.sender(peer.url)) as sender,
    ):
        channel.use(sender)
    assert leaks(lines(caplog), channel.secrets) == []


def test_smtp_repeats_no_password_in_any_form(caplog: pytest.LogCaptureFixture) -> None:
    coded = [base64.b64encode(text.encode()).decode() for text in (SECRET, f"\0shop\0{SECRET}")]
    script = Script(features=("AUTH PLAIN LOGIN",), mail=lambda _: f"550 {SECRET} {' '.join(coded)}")
    with everything_logged(caplog), smtp_peer(script) as peer:
        server = SmtpServer(host="127.0.0.1", port=peer.port, username="shop", password=SECRET)
        with closing(SmtpSender(server, clock=now)) as sender, pytest.raises(DeliveryError) as raised:
            send(sender)
    error = raised.value
    told = [
        str(error),
        repr(error),
        repr(server),
        repr(sender),
        "".join(traceback.format_exception(error)),
        *lines(caplog),
    ]
    assert [text for text in told if SECRET in text or any(form in text for form in coded)] == []
