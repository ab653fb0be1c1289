import pytest

from notifier.domain.incidents.closure import Announcement, Ending, Unnotified, ending, reason_of
from notifier.domain.values import DeliveryState, Reason, Status


def an_announcement(number: int, status: Status, state: str = "planned") -> Announcement:
    return Announcement(id=number, status=status, state=state)


TROUBLE, END = an_announcement(1, Status.INVESTIGATING), an_announcement(2, Status.RESOLVED)
HELD = an_announcement(2, Status.RESOLVED, "held")


@pytest.mark.parametrize(
    ("announcements", "expected"),
    [
        ([TROUBLE, END], Ending((1, 2), (2,))),
        ([TROUBLE, END, an_announcement(3, Status.POSTMORTEM)], Ending((1, 2, 3), (2, 3))),
        (
            [TROUBLE, END, an_announcement(3, Status.INVESTIGATING)],
            Ending((1, 2, 3), (), "it has not been announced here yet"),
        ),
        ([TROUBLE, HELD], Ending((1,), (), "a person must release it")),
        (
            [TROUBLE, an_announcement(2, Status.COMPLETED, "planning")],
            Ending((1, 2), (2,), "its recipients are being found"),
        ),
        ([], Ending((), (), "it has not been announced here yet")),
    ],
)
def test_the_end_is_what_was_said_after_the_last_trouble(announcements: list[Announcement], expected: Ending) -> None:
    assert ending(announcements) == expected


@pytest.mark.parametrize(
    ("unnotified", "reason"),
    [
        (Unnotified(recipient="a", state=DeliveryState.QUEUED, reason=Reason.HOURLY_LIMIT), "waiting: hourly limit"),
        (Unnotified(recipient="a", state=DeliveryState.SENDING), "waiting: to be sent"),
        (
            Unnotified(recipient="a", state=DeliveryState.CANCELED, reason=Reason.NOT_WANTED),
            "unsubscribed, or chose not",
        ),
        (Unnotified(recipient="end_1", is_disabled=True), "disabled"),
        (Unnotified(recipient="end_1", state=DeliveryState.FAILED, reason=Reason.ENDPOINT_DISABLED), "disabled"),
        (Unnotified(recipient="a", state=DeliveryState.SUPERSEDED), "unknown: "),
        (Unnotified(recipient="a"), "unknown: "),
    ],
)
def test_every_reason_has_its_words(unnotified: Unnotified, reason: str) -> None:
    assert reason_of(unnotified).startswith(reason)


def test_what_the_channel_waits_for_is_the_reason_of_whom_nothing_else_keeps() -> None:
    assert reason_of(Unnotified(recipient="a"), "a person must release it") == "waiting: a person must release it"
    assert reason_of(Unnotified(recipient="a", is_disabled=True), "a person must release it") == "disabled"
