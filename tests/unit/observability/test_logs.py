"""One line an event, and no secret in it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from notifier.observability import configure_logging, get_logger
from notifier.observability.logs import without_secrets


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_our_events_and_those_of_libraries_are_one_stream(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json", process="worker-email")
    with structlog.contextvars.bound_contextvars(batch_id=7):
        get_logger("ours").info("batch_attempted", size=3)
    logging.getLogger("theirs").warning("something %s", "odd")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["batch_id"], ours["size"], ours["process"]) == ("batch_attempted", 7, 3, "worker-email")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("something odd", "theirs", "warning")
    assert theirs["process"] == "worker-email"
    assert ours["timestamp"].endswith("Z")


def test_secrets_are_taken_out_by_name_by_look_and_from_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    get_logger("ours").warning(
        "refused", api_key="s3cret-1", Authorization="s3cret-2", url="redis://u:s3cret3@h/0", text="Bearer s3cret-4"
    )
    fault = ValueError("postgresql://u:s3cret5@h/d")
    logging.getLogger("theirs").error("failed for SG.s3cret6s3cret6.s3cret6s3cret6", exc_info=fault)
    text = json.dumps(lines(capsys))
    assert "s3cret" not in text
    assert "ValueError" in text
    assert "@h/d" in text


def test_the_level_holds_for_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", "json")
    get_logger("ours").info("quiet")
    logging.getLogger("theirs").info("quiet")
    logging.getLogger("kombu.transport").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_without_a_terminal_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "auto")
    get_logger("ours").info("plain")
    assert lines(capsys)[0]["event"] == "plain"


def test_for_people_lines_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    get_logger("ours").info("hello", where="here", token="s3cret")
    fault = ValueError("postgresql://u:s3cret@h/d ntf_key_s3crets3crets3cret")
    logging.getLogger("theirs").error("failed", exc_info=fault)
    shown = capsys.readouterr().err
    assert "hello" in shown
    assert "where=here" in shown
    assert "ValueError" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /v1/x?key=abc&limit=1", "GET /v1/x?key=[hidden]&limit=1"),
        ("amqp://user:pass@host//", "amqp://[hidden]@host//"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signed with [hidden]"),
        ("signed with whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=", "signed with [hidden]"),
        ("key ntf_key_a-b_Q9r8GKYqrTwjUPD8ILPZIo2LaLaSw is gone", "key [hidden] is gone"),
        ("mail owner@shop.example at https://shop.example/a@b", "mail owner@shop.example at https://shop.example/a@b"),
    ],
)
def test_texts_lose_their_secrets_and_nothing_else(text: str, clean: str) -> None:
    assert without_secrets(text) == clean
