"""Rates kept together by processes that share a Redis; when it goes, each goes on with what it knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.domain.providers.rate_limit import NO_WAIT
from notifier.queueing import embedded
from notifier.queueing.addresses import embedded_url
from notifier.queueing.rate_limiter import RedisRateLimiter

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


class Now:
    instant = NOON

    def __call__(self) -> datetime:
        return self.instant


def test_workers_share_what_is_left_and_go_on_alone_when_redis_is_gone(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    now = Now()
    one, other, stranger = (
        RedisRateLimiter(embedded_url(data_dir), account, now) for account in ("account", "account", "another account")
    )
    one.note("sendgrid", left=3, resets_at=NOON + timedelta(seconds=40))
    assert [other.take("sendgrid"), one.take("sendgrid"), other.take("sendgrid")] == [NO_WAIT] * 3
    assert [one.take("sendgrid"), other.take("sendgrid")] == [timedelta(seconds=40)] * 2
    assert stranger.take("sendgrid") == NO_WAIT
    other.block_until("smtp", NOON + timedelta(seconds=9))
    assert one.take("smtp") == timedelta(seconds=9)

    assert embedded.stop(data_dir)
    assert one.take("sendgrid") == NO_WAIT  # the third of its own three: it knows of no others now
    other.block_until("smtp", NOON + timedelta(seconds=20))
    assert other.take("smtp") == timedelta(seconds=20)
    now.instant = NOON + timedelta(seconds=60)
    assert [one.take("sendgrid"), other.take("smtp")] == [NO_WAIT, NO_WAIT]
    for rate_limiter in (one, other, stranger):
        rate_limiter.close()


def test_a_pace_that_another_version_stored_counts_as_none(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    rate_limiter = RedisRateLimiter(embedded_url(data_dir), "account", Now())
    rate_limiter._client.set("notifier:pace:account:sendgrid", b'{"other": "shape"}')
    assert rate_limiter.take("sendgrid") == NO_WAIT
    rate_limiter.close()
