"""The counting of a chaos run: each kind of planted fault is detected under its name."""

from dataclasses import replace

from notifier.domain.ids import delivery_id
from notifier.domain.values import Channel, DeliveryState
from tests.chaos.verdict import Findings, Row, judge, strangers

EXPECTED = {Channel.EMAIL: 2, Channel.WEBHOOK: 1}


def mail(recipient: int, sequence: int, **changes: object) -> Row:
    row = Row(
        delivery_id=delivery_id(f"ntf_mail{sequence}", recipient),
        channel=Channel.EMAIL,
        recipient=recipient,
        sequence=sequence,
        since=sequence - 1,
        state=DeliveryState.ACCEPTED,
        attempts=1,
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # a test names the columns it changes


def hook(sequence: int) -> Row:
    return replace(mail(7, sequence), delivery_id=delivery_id(f"ntf_hook{sequence}", 7), channel=Channel.WEBHOOK)


ROWS = [mail(1, 1), mail(2, 1), mail(1, 2), mail(2, 2), hook(1), hook(2)]


def judged(rows: list[Row], arrived: list[Row]) -> Findings:
    return judge(rows, [(row.delivery_id, 1) for row in arrived], EXPECTED)


def counts(found: Findings) -> tuple[int, int, int, int, int]:
    return found.lost, found.duplicated, found.out_of_order, found.unexplained, found.repeats


def test_when_everything_arrives_once_and_in_order_nothing_is_wrong() -> None:
    assert counts(judged(ROWS, ROWS)) == (0, 0, 0, 0, 0)


def test_what_the_ledger_calls_accepted_and_no_sink_has_seen_is_lost() -> None:
    assert counts(judged(ROWS, ROWS[1:])) == (1, 0, 0, 0, 0)


def test_a_recipient_who_was_never_planned_is_lost() -> None:
    rows = [row for row in ROWS if row.recipient != 2]
    assert counts(judged(rows, rows)) == (1, 0, 0, 0, 0)


def test_a_newer_message_that_tells_the_replaced_ones_update_loses_nothing() -> None:
    replaced = mail(1, 1, state=DeliveryState.SUPERSEDED, attempts=0)
    rows = [replaced, mail(2, 1), mail(1, 2, since=0), mail(2, 2), hook(1), hook(2)]
    assert counts(judged(rows, rows[1:])) == (0, 0, 0, 0, 0)


def test_an_update_told_again_by_a_newer_message_is_a_duplicate() -> None:
    rows = [mail(1, 1), mail(2, 1), mail(1, 2, since=0), mail(2, 2), hook(1), hook(2)]
    assert counts(judged(rows, rows)) == (0, 1, 0, 0, 0)


def test_a_mail_that_comes_twice_is_a_duplicate_and_a_webhook_is_a_repeat() -> None:
    arrived = [(row.delivery_id, 2 if row in (ROWS[0], ROWS[4]) else 1) for row in ROWS]
    assert counts(judge(ROWS, arrived, EXPECTED)) == (0, 1, 0, 0, 1)


def test_an_older_message_after_a_newer_one_is_out_of_order() -> None:
    assert counts(judged(ROWS, [ROWS[2], ROWS[0], *ROWS[1:2], *ROWS[3:]])) == (0, 0, 1, 0, 0)


def test_what_arrives_and_the_ledger_does_not_call_sent_is_unexplained() -> None:
    rows = [mail(1, 1, state=DeliveryState.SUPPRESSED), *ROWS[1:]]
    assert counts(judged(rows, rows)) == (0, 0, 0, 1, 0)
    stranger = mail(9, 9)
    assert counts(judged(ROWS, [*ROWS, stranger])) == (0, 0, 0, 1, 0)
    assert strangers([row.delivery_id for row in (*ROWS, stranger)], frozenset({"ntf_mail1", "ntf_mail2"})) == [
        hook(1).delivery_id,
        hook(2).delivery_id,
        stranger.delivery_id,
    ]
