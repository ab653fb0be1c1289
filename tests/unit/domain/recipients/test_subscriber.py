import pytest

from notifier.domain.recipients.subscriber import QuietHours, SuppressionReason, is_timezone
from notifier.domain.values import SubscriberState


def test_quiet_hours_are_minutes_of_the_local_day_and_may_run_over_midnight() -> None:
    span = QuietHours.parse("22:00", "07:30")
    assert (span.start, span.end) == (22 * 60, 7 * 60 + 30)
    assert span.texts() == ("22:00", "07:30")


ARABIC_NOON = "\u0661\u0662:\u0660\u0660"


@pytest.mark.parametrize(
    "text", ["", "7:00", "0700", "24:00", "12:60", "12:5", "-1:00", ARABIC_NOON, "12:00:00", "noon"]
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        QuietHours.parse("06:00", text)


def test_quiet_hours_that_would_mean_always_or_never_are_refused() -> None:
    with pytest.raises(ValueError, match="different"):
        QuietHours.parse("06:00", "06:00")


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "America/Argentina/Buenos_Aires", "UTC"])
def test_zones_of_the_iana_database_are_known(name: str) -> None:
    assert is_timezone(name)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "europe/amsterdam", "../../etc/passwd", "/etc/localtime", "CEST"])
def test_nothing_else_is_a_time_zone(name: str) -> None:
    assert not is_timezone(name)


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_a_persons_own_wish_is_an_unsubscription_and_all_else_a_suppression(reason: SuppressionReason) -> None:
    own = "unsubscribed" in reason.value
    assert reason.state is (SubscriberState.UNSUBSCRIBED if own else SubscriberState.SUPPRESSED)
