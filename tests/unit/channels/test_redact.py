import logging

from notifier.channels.redact import hush, redacted


def test_secrets_are_replaced_plain_and_percent_encoded() -> None:
    assert redacted("key a/b+c and a%2Fb%2Bc", ["a/b+c"]) == "key [secret] and [secret]"


def test_foreign_words_become_one_bounded_line() -> None:
    found = redacted("one\r\ntwo\x00\u2028three" + "x" * 1_000, [])
    assert found.startswith("one two three")
    assert len(found) <= 300


def test_a_secret_that_begins_before_the_cut_is_gone_as_a_whole() -> None:
    assert "sec" not in redacted("x" * 298 + "secretsecret", ["secretsecret"]).replace("[secret]", "").replace("[s", "")


def test_libraries_are_kept_from_debug_even_when_everything_else_is_at_debug() -> None:
    logger, root = logging.getLogger("notifier-test-library"), logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        hush("notifier-test-library")
        assert not logger.isEnabledFor(logging.DEBUG)
        assert logger.isEnabledFor(logging.INFO)
    finally:
        root.setLevel(before)


def test_a_logger_an_operator_made_quieter_stays_so() -> None:
    logger = logging.getLogger("notifier-test-quiet")
    logger.setLevel(logging.ERROR)
    hush("notifier-test-quiet")
    assert logger.level == logging.ERROR
