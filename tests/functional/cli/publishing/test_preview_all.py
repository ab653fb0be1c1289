"""`notifier preview --out DIR`: every message in every locale, a contact sheet, and what is wrong said in one line."""

from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.domain.incidents.notice import MessageKind
from tests.functional.cli.terminal import Captured

pytestmark = pytest.mark.usefixtures("without_browser")


def test_without_a_file_every_message_is_written_in_every_locale_and_the_missing_browser_is_named(
    home: Path, capsys: Captured
) -> None:
    assert run(["preview", "--out", "shown"]) == 0
    names = {path.name for path in (home / "shown").iterdir()}
    for kind in (*MessageKind, "subscription_confirm", "subscription_known", "endpoint_warning", "endpoint_disabled"):
        for locale in ("nl", "en", "de", "fr"):
            assert {f"{kind}.{locale}.html", f"{kind}.{locale}.txt", f"{kind}.{locale}.subject.txt"} <= names
    assert {"incident_opened.nl.x.txt", "incident_opened.fr.bluesky.txt", "incident_opened.webhook.json"} <= names
    assert "contact-sheet.png" not in names
    sheet = (home / "shown" / "contact-sheet.html").read_text(encoding="utf-8")
    assert sheet.count("<iframe") == len([name for name in names if name.endswith(".html")]) - 1
    assert "no screenshot: Chromium or Chrome is not installed" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--channel", "email", "--out", "shown"], ["x.json", "--locale", "nl"]])
def test_what_is_missing_is_named(arguments: list[str], capsys: Captured) -> None:
    assert run(["preview", *arguments]) == 2
    assert "is required" in capsys.readouterr().err


def test_a_fault_in_an_own_template_ends_preview_and_worker_with_2_and_doctor_names_it(
    home: Path, capsys: Captured
) -> None:
    (home / "notifier.toml").write_text('[brand]\ntemplates = "words"\n')
    own = home / "words" / "incident_resolved" / "email.body.html"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "bundled/incident_resolved/email.body.html" %}\n{% block intro %}{{ moode }}{% endblock %}'
    )
    assert run(["preview", "--locale", "nl", "--out", "shown"]) == 2
    errors = capsys.readouterr().err
    fault = "brand.templates: incident_resolved/email.body.html, line 2: 'moode' is undefined"
    assert errors == f"notifier: {fault}\n"
    assert run(["doctor"]) == 1
    assert "incident_resolved/email.body.html, line 2: 'moode' is undefined" in capsys.readouterr().out
    own.write_text("{% block %}")
    assert run(["worker"]) == 2
    assert "incident_resolved/email.body.html, line 1" in capsys.readouterr().err
