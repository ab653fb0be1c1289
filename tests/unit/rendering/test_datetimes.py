from datetime import UTC, datetime

import pytest

from notifier.rendering.datetimes import moment, zone
from notifier.rendering.language import parse_locale

MORNING = datetime(2022, 6, 21, 6, 36, tzinfo=UTC)

WINTER = datetime(2022, 12, 21, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "timezone", "expected"),
    [
        ("nl", "Europe/Amsterdam", "21 juni 2022 08:36 CEST"),
        ("nl", "Europe/London", "21 juni 2022 07:36 BST"),
        ("de", "Europe/Berlin", "21. Juni 2022 08:36 MESZ"),
        ("de", "America/Sao_Paulo", "21. Juni 2022 03:36 GMT-03:00"),
        ("fr", "Europe/Paris", "21 juin 2022 08:36 CEST"),
        ("en", "Europe/London", "21 June 2022 07:36 BST"),
        ("en", "Europe/Amsterdam", "21 June 2022 08:36 CEST"),
        ("en", "America/New_York", "June 21, 2022 2:36\u00a0AM EDT"),
        ("en-US", "Europe/London", "June 21, 2022 7:36\u00a0AM BST"),
        ("en", "Asia/Kolkata", "21 June 2022 12:06\u00a0pm IST"),
        ("ja", "Asia/Tokyo", "2022年6月21日 15:36 JST"),
        ("nl", "UTC", "21 juni 2022 06:36 UTC"),
    ],
)
def test_an_instant_is_said_as_its_reader_would(tag: str, timezone: str, expected: str) -> None:
    cldr = parse_locale(tag)
    assert cldr is not None
    assert moment(MORNING, cldr, zone(timezone, "UTC")) == expected


def test_winter_has_its_own_zone_name() -> None:
    cldr = parse_locale("nl")
    assert cldr is not None
    assert moment(WINTER, cldr, zone("Europe/Amsterdam", "UTC")) == "21 december 2022 21:05 CET"


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "\x00", "x" * 5000, "/etc/localtime"]
)
def test_a_zone_nobody_knows_is_the_houses(name: str) -> None:
    assert zone(name, "Europe/Amsterdam").key == "Europe/Amsterdam"
