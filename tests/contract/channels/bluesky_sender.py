"""A sender to a scripted Bluesky."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from notifier.channels.social.bluesky import BlueskySender
from tests.contract.channels.posts import bluesky_sender


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[BlueskySender]:
    with closing(bluesky_sender(url, **options)) as sender:
        yield sender
