"""How long a page that fails is left alone."""

from datetime import timedelta

import pytest

from notifier.domain.proposals.polled_page import PageUnreadableError, wait_after


@pytest.mark.parametrize(
    ("every", "failures", "asked", "seconds"),
    [
        (60, 1, None, 60),
        (60, 2, None, 120),
        (60, 9, None, 300),
        (60, 500, None, 300),
        (1, 3, None, 4),
        (3600, 5, None, 3600),
        (60, 1, 900, 900),
        (60, 1, 86_400, 3600),
        (60, 1, 5, 60),
    ],
)
def test_the_wait_doubles_up_to_five_minutes_and_respects_what_the_page_asks_for(
    every: int, failures: int, asked: int | None, seconds: int
) -> None:
    error = PageUnreadableError("HTTP 429", retry_after=None if asked is None else timedelta(seconds=asked))
    assert wait_after(error, failures, timedelta(seconds=every)) == timedelta(seconds=seconds)
