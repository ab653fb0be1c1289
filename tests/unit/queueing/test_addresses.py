"""Where the broker and Redis are."""

from pathlib import Path

import pytest

from notifier.queueing.addresses import embedded_url, for_celery, for_client, queue_addresses, socket_path


def test_unconfigured_both_are_the_embedded_server(tmp_path: Path) -> None:
    found = queue_addresses(data_dir=tmp_path, redis_url=None, broker_url=None)
    assert found.broker == found.redis == embedded_url(tmp_path)
    assert found.embedded


def test_a_configured_redis_is_the_broker_too() -> None:
    found = queue_addresses(data_dir=Path("/d"), redis_url="redis://r/1", broker_url=None)
    assert (found.broker, found.redis, found.embedded, found.broker_is_amqp) == (
        "redis://r/1",
        "redis://r/1",
        False,
        False,
    )


def test_a_broker_of_its_own_leaves_redis_as_it_is() -> None:
    found = queue_addresses(data_dir=Path("/d"), redis_url=None, broker_url="amqp://b//")
    assert (found.broker, found.embedded, found.broker_is_amqp) == ("amqp://b//", True, True)


@pytest.mark.parametrize(
    ("for_redis", "for_kombu"),
    [
        ("unix:///run/r.sock", "redis+socket:///run/r.sock"),
        ("unix:///run/my%20dir/r.sock?db=2", "redis+socket:///run/my%20dir/r.sock?virtual_host=2"),
        ("redis://:pw@host:6380/3", "redis://:pw@host:6380/3"),
        ("rediss://host/0?ssl_cert_reqs=required", "rediss://host/0?ssl_cert_reqs=required"),
    ],
)
def test_both_libraries_get_their_own_spelling(for_redis: str, for_kombu: str) -> None:
    assert for_celery(for_redis) == for_celery(for_kombu) == for_kombu
    assert for_client(for_kombu) == for_client(for_redis) == for_redis


def test_a_long_data_folder_gets_a_short_socket_of_its_own(tmp_path: Path) -> None:
    long, other = (tmp_path / (letter * 100) for letter in "ab")
    assert len(str(socket_path(long))) < 100
    assert socket_path(long) == socket_path(long)
    assert socket_path(long) != socket_path(other)
    assert socket_path(tmp_path) == tmp_path.resolve() / "run" / "redis.sock"
