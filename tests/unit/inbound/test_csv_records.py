import io

import pytest

from notifier.inbound.csv_records import CsvRecord, CsvRecords


def read(text: str | bytes) -> list[CsvRecord]:
    raw = text.encode() if isinstance(text, str) else text
    return list(CsvRecords(io.BytesIO(raw)))


def rows(text: str | bytes) -> list[tuple[int, list[str]]]:
    return [(record.line, list(record.fields)) for record in read(text) if record.fault is None]


def faults(text: str | bytes) -> list[tuple[int, str]]:
    return [(record.line, record.fault) for record in read(text) if record.fault is not None]


def test_a_byte_order_mark_crlf_and_a_missing_last_line_end_change_nothing() -> None:
    plain = rows("a,b\n1,2\n3,4\n")
    assert plain == [(1, ["a", "b"]), (2, ["1", "2"]), (3, ["3", "4"])]
    assert rows(b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4") == plain


def test_a_row_is_named_by_the_physical_line_it_starts_on() -> None:
    assert rows('a,b\n\n"one\ntwo",2\n\n3,4\n') == [(1, ["a", "b"]), (3, ["one\ntwo", "2"]), (6, ["3", "4"])]


def test_quotes_commas_and_doubled_quotes_inside_quotes_are_text() -> None:
    assert rows('"Bakkerij ""Jansen"", Delft",x\n') == [(1, ['Bakkerij "Jansen", Delft', "x"])]


def test_a_quote_that_is_never_closed_costs_one_row_only() -> None:
    text = 'a,b\n"open,2\n' + "".join(f"{number},x\n" for number in range(1_000))
    assert faults(text) == [(2, "a quotation mark that opens in this line is not closed")]
    assert rows(text)[1:] == [(number + 3, [str(number), "x"]) for number in range(1_000)]


def test_a_quote_closed_by_the_opening_quote_of_a_later_row_costs_no_other_row() -> None:
    text = 'a,b\n"open,2\n3,4\n"five",6\n7,8\n'
    assert [line for line, _ in faults(text)] == [2]
    assert rows(text)[1:] == [(3, ["3", "4"]), (4, ["five", "6"]), (5, ["7", "8"])]


def test_a_quote_open_at_the_end_of_the_file_costs_no_other_row() -> None:
    text = 'a,b\n1,2\n"open,4\n5,6'
    assert [line for line, _ in faults(text)] == [3]
    assert rows(text)[1:] == [(2, ["1", "2"]), (4, ["5", "6"])]


def test_text_behind_a_closing_quote_is_a_fault_of_its_row() -> None:
    text = 'a,b\n"x"y,2\n3,4\n'
    assert [line for line, _ in faults(text)] == [2]
    assert "not well-formed" in faults(text)[0][1]
    assert rows(text)[1:] == [(3, ["3", "4"])]


@pytest.mark.parametrize("size", [100_001, 1 << 20, (1 << 20) - 1, 10_000_000])
def test_ten_megabytes_in_one_field_are_one_bad_row(size: int) -> None:
    text = f"a,b\n1,2\n{'x' * size},4\n5,6\n"
    assert [line for line, _ in faults(text)] == [3]
    assert "longer than a record may be" in faults(text)[0][1]
    assert rows(text)[1:] == [(2, ["1", "2"]), (4, ["5", "6"])]


def test_ten_megabytes_of_quoted_lines_are_one_bad_row() -> None:
    lines = 100_000
    text = "a,b\n1,2\n" + '"' + f"{'x' * 99}\n" * lines + '",4\n5,6\n'
    assert [line for line, _ in faults(text)] == [3]
    assert rows(text)[1:] == [(2, ["1", "2"]), (lines + 4, ["5", "6"])]


def test_bytes_that_are_no_utf8_spoil_their_own_row() -> None:
    records = read(b"a,b\nM\xfcller,2\nM\xc3\xbcller,4\n")
    assert [(record.line, record.is_utf8) for record in records] == [(1, True), (2, False), (3, True)]


def test_bytes_that_are_no_utf8_are_still_known_when_their_line_is_read_again() -> None:
    records = read(b'a,b\n"open,2\nM\xfcller,2\n"x",y\nok,1\n')
    assert [(record.line, record.fault is None, record.is_utf8) for record in records] == [
        (1, True, True),
        (2, False, True),
        (3, True, False),
        (4, True, True),
        (5, True, True),
    ]


def test_a_file_that_ends_in_an_overlong_line_without_end_is_read_to_its_end() -> None:
    text = "a,b\n1,2\n" + "x" * 3_000_000
    assert [line for line, _ in faults(text)] == [3]
    assert rows(text)[1:] == [(2, ["1", "2"])]
