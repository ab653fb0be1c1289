"""Waiting for a running installation, seen from outside."""

from collections.abc import Callable
from typing import Any

from tests import sandbox_server


def until(question: Callable[[], Any]) -> Any:
    """Ask a running installation until it says yes; returns what it said."""
    return sandbox_server.until(question, seconds=120, every=0.1)
