"""A PostgreSQL server for the tests: the one that `make bench` starts."""

from tests.support.cluster import shared_server

__all__ = ["shared_server"]
