"""`make bench`: sections are found by name, and reports print in the format of the docs."""

import re
from pathlib import Path

from tests.benchmarks.__main__ import build_parser
from tests.benchmarks.section import Report, percentiles
from tests.benchmarks.sections import SECTIONS
from tests.benchmarks.tables import as_text


def test_every_section_has_a_name_of_its_own_and_says_what_it_measures() -> None:
    names = [section.name for section in SECTIONS]
    assert len(set(names)) == len(names)
    assert all(section.about for section in SECTIONS)


def test_every_option_that_a_section_reads_is_one_of_the_command_line() -> None:
    known = vars(build_parser().parse_args([]))
    files = sorted(Path(__file__).parent.glob("*.py"))
    read = {name for file in files for name in re.findall(r"bench\.options\.(\w+)", file.read_text(encoding="utf-8"))}
    assert read
    assert read <= known.keys()


def test_words_stand_left_and_numbers_right_with_the_digits_that_mean_something() -> None:
    report = Report(
        title="Told",
        columns=("channel", "told", "per s", "ratio"),
        rows=[["email", 100_000, 15_123.456, 0.2345], ["webhook", 500, 12.34, None]],
        notes=("a note",),
    )
    assert as_text(report).splitlines() == [
        "",
        "Told",
        "channel     told   per s  ratio",
        "email    100,000  15,123   0.23",
        "webhook      500    12.3",
        "  a note",
    ]


def test_a_percentile_is_a_measured_value_that_so_many_do_not_exceed() -> None:
    assert percentiles(range(1, 101)) == {50: 50, 95: 95, 99: 99}
    assert percentiles([3.0, 1.0, 2.0]) == {50: 2.0, 95: 3.0, 99: 3.0}
