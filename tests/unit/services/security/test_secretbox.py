import pytest

from notifier.domain.errors import ConfigError
from notifier.services.security.secretbox import SecretBox


def test_what_was_sealed_opens_and_never_looks_the_same_twice() -> None:
    box = SecretBox(["key"], "endpoint")
    first, second = box.seal("hunter2 ✓"), box.seal("hunter2 ✓")
    assert first != second
    assert "hunter2" not in first
    assert box.open(first) == box.open(second) == "hunter2 ✓"


def test_keys_rotate_the_first_seals_and_all_open() -> None:
    old = SecretBox(["old"], "endpoint").seal("hunter2")
    both = SecretBox(["new", "old"], "endpoint")
    assert both.open(old) == "hunter2"
    assert not both.is_current(old)
    assert both.is_current(both.seal("hunter2"))
    assert SecretBox(["new"], "endpoint").open(both.seal("hunter2")) == "hunter2"


@pytest.mark.parametrize("keys", [["other"], ["new", "other"]])
def test_a_secret_of_a_key_that_was_dropped_names_the_variable(keys: list[str]) -> None:
    sealed = SecretBox(["old"], "endpoint").seal("hunter2")
    with pytest.raises(ConfigError, match="NOTIFIER_SECRET_KEYS"):
        SecretBox(keys, "endpoint").open(sealed)


def test_what_was_sealed_for_one_purpose_does_not_open_for_another() -> None:
    with pytest.raises(ConfigError):
        SecretBox(["key"], "account session").open(SecretBox(["key"], "endpoint").seal("hunter2"))


def test_a_sealed_text_with_any_character_changed_does_not_open() -> None:
    box = SecretBox(["key"], "endpoint")
    sealed = box.seal("hunter2")
    for place in range(len(sealed) - 1):  # the last character has spare bits
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(ConfigError) as refused:
            box.open(sealed[:place] + other + sealed[place + 1 :])
        assert sealed not in str(refused.value)


@pytest.mark.parametrize("text", ["", "v1", "v1.x", "v1.x.y", "v2..", "hunter2"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(ConfigError):
        SecretBox(["key"], "endpoint").open(text)


def test_without_a_key_there_is_no_box_and_no_key_shows_in_a_repr() -> None:
    with pytest.raises(ConfigError, match="NOTIFIER_SECRET_KEYS"):
        SecretBox([], "endpoint")
    assert "hunter2" not in repr(SecretBox(["hunter2"], "endpoint"))
