"""How often somebody may sign up, counted for all processes in Redis, and by each alone while it is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.queueing import embedded
from notifier.queueing.addresses import embedded_url
from notifier.queueing.quota import RedisQuota


class Moment:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def quotas(data_dir: Path, moment: Moment) -> Iterator[list[RedisQuota]]:
    made = [RedisQuota(embedded_url(data_dir), "house", moment) for _ in range(2)]
    yield made
    for quota in made:
        quota.close()


def test_processes_share_one_count_and_houses_do_not(data_dir: Path, quotas: list[RedisQuota], moment: Moment) -> None:
    embedded.ensure(data_dir)
    first, second = quotas
    taken = [quota.take("net:192.0.2.0/24", most=2, seconds=3600) for quota in (first, second, first)]
    assert taken == [True, True, False]
    assert second.take("net:198.51.100.0/24", most=2, seconds=3600)
    elsewhere = RedisQuota(embedded_url(data_dir), "other house", moment)
    assert elsewhere.take("net:192.0.2.0/24", most=2, seconds=3600)
    elsewhere.close()
    assert second.is_spent("net:192.0.2.0/24", most=3, seconds=3600)
    assert not second.is_spent("net:192.0.2.0/24", most=4, seconds=3600)
    moment.now += 3600
    assert not second.is_spent("net:192.0.2.0/24", most=1, seconds=3600)
    assert first.take("net:192.0.2.0/24", most=2, seconds=3600)


def test_without_redis_each_process_counts_for_itself(tmp_path: Path, moment: Moment) -> None:
    quota = RedisQuota(embedded_url(tmp_path / "nothing runs here"), "house", moment)
    assert [quota.take("net", most=2, seconds=60) for _ in range(3)] == [True, True, False]
    assert quota.is_spent("net", most=3, seconds=60)
    assert not quota.is_spent("other", most=1, seconds=60)
    moment.now += 60
    assert not quota.is_spent("net", most=1, seconds=60)
    assert quota.take("net", most=2, seconds=60)
    quota.close()


def test_a_flood_of_names_while_redis_is_away_shares_what_is_left(tmp_path: Path, moment: Moment) -> None:
    quota = RedisQuota(embedded_url(tmp_path / "nothing runs here"), "house", moment)
    taken = [quota.take(f"net:{number}", most=1, seconds=60) for number in range(10_050)]
    assert taken.count(True) == 10_001
    assert len(quota._own._counts) <= 10_001
    quota.close()
