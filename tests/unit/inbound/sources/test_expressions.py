import pytest

from notifier.domain.errors import InvalidInputError
from notifier.inbound.sources.expressions import Extraction, without_marks


def test_marks_are_absent_at_any_depth() -> None:
    told = {"a": ["*alertType*", {"b": "$LINK", "c": "**"}], "d": "${X}", "e": "*two words*", "f": "$5"}
    assert without_marks(told) == {"a": [None, {"b": None, "c": "**"}], "d": None, "e": "*two words*", "f": "$5"}


def test_a_number_and_a_truth_value_are_texts() -> None:
    found = Extraction({"n": "n", "b": "b", "o": "o"}, {"n": 1.5, "b": True, "o": {}})
    assert [found.text(name) for name in ("n", "b", "o", "unnamed")] == ["1.5", "true", "", ""]


def test_a_list_names_several_and_a_text_one() -> None:
    found = Extraction({"l": "l", "t": "t", "n": "n"}, {"l": ["a", 1, " ", "b "], "t": "c"})
    assert [found.names(name) for name in ("l", "t", "n")] == [("a", "b"), ("c",), ()]


def test_what_is_needed_is_named_where_it_is_missing() -> None:
    with pytest.raises(InvalidInputError, match=r"3\.fields\.key: finds nothing in this body"):
        Extraction({"key": "a"}, {}, place="3.fields").required("key")
