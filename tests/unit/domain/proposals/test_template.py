import pytest

from notifier.domain.proposals.template import filled, placeholder_fault


@pytest.mark.parametrize("text", ["no placeholder", "{components} since {time}", "a {{brace}} itself"])
def test_known_placeholders_and_doubled_braces_are_fine(text: str) -> None:
    assert placeholder_fault(text) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [("{customer}", "{customer}"), ("{components.x}", "{components.x}"), ("{}", "{}"), ("{", "brace")],
)
def test_an_unknown_placeholder_is_named_with_those_that_are_known(text: str, named: str) -> None:
    fault = placeholder_fault(text)
    assert fault is not None
    assert named in fault


def test_placeholders_are_filled_once_and_values_are_not_read_as_templates() -> None:
    assert filled("{{{upstream}}}: {link}{time}", {"upstream": "{link}", "link": "https://x"}) == "{{link}}: https://x"
