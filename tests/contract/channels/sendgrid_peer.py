"""A sender to a scripted SendGrid."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from notifier.channels.email.sendgrid import SendGridSender
from tests.contract.channels.mails import now
from tests.contract.channels.scripted_server import Reply

KEY = "SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"

ACCEPTED = Reply(202, {"X-Message-Id": "m-1"})


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[SendGridSender]:
    options = {"timeout": 2.0} | options
    with closing(SendGridSender(api_key=KEY, clock=now, base_url=url, **options)) as sender:
        yield sender
