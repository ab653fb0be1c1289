"""A row of a table of faults: what a provider does, and the error that must come of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from notifier.domain.errors import DeliveryError
from notifier.domain.values import Reason
from tests.contract.channels.scripted_server import Step

HTML = b"<html>We are down for maintenance</html>"


@dataclass(frozen=True)
class Row:
    """`error` is the very type, `detail` a part of what it says."""

    name: str
    step: Step
    error: type[DeliveryError]
    reason: Reason
    detail: str = ""

    @contextmanager
    def comes_of_it(self) -> Iterator[None]:
        """Run what meets the fault; fails unless it ends as the row says."""
        with pytest.raises(DeliveryError) as raised:
            yield
        assert type(raised.value) is self.error
        assert raised.value.reason is self.reason
        assert self.detail in raised.value.detail
