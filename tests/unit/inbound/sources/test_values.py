from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import PydanticCustomError

from notifier.inbound.sources.values import moment_of

AT = datetime(2026, 8, 1, 9, 57, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-08-01T09:57:31Z",
        "2026-08-01t11:57:31.000000000+02:00",
        "2026-08-01 09:57:31",
        " 2026-08-01 11:57:31+0200 ",
        1785578251,
        "1785578251",
        "1785578251.0",
        1785578251000,
        "1785578251000000",
        1785578251000000000,
    ],
)
def test_senders_write_one_time_in_many_ways(written: object) -> None:
    assert abs(moment_of(written) - AT) < timedelta(milliseconds=1)  # type: ignore[operator]


@pytest.mark.parametrize("written", ["", " ", "0001-01-01T00:00:00Z", 0, "0", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_means_none_is_none(written: object) -> None:
    assert moment_of(written) is None


@pytest.mark.parametrize("written", ["yesterday", "-5", True, [], {}, "1" * 41, "\u0661\u0662", "nan", "inf"])
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="must be a time"):
        moment_of(written)
