import pytest

from notifier.domain.proposals.page_languages import marked_languages


@pytest.mark.parametrize(
    ("written", "locales", "marks"),
    [
        ((), [], []),
        (("nl", "EN:"), ["nl", "en"], ["NL", "EN"]),
        (("nl", "[EN]", "de -"), ["nl", "en", "de"], ["NL", "EN", "de"]),
        (("nl", "en=In English:"), ["nl", "en"], ["NL", "In English"]),
        (("pt-BR", "en=---"), ["pt-BR", "en"], ["PT", "---"]),
    ],
)
def test_the_language_of_a_mark_is_derived_or_given(
    written: tuple[str, ...], locales: list[str], marks: list[str]
) -> None:
    found = marked_languages(written)
    assert [language.locale for language in found] == locales
    assert [language.mark for language in found] == marks


@pytest.mark.parametrize("written", [("nl", "In English:"), ("nl", "---"), ("nl", "NL:"), ("nl", "EN:", "[en]")])
def test_a_mark_that_names_no_language_or_a_second_one_is_refused(written: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"names (no|a) language"):
        marked_languages(written)
