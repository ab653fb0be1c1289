"""What becomes of an accepted request: headers, substitutions, MIME, and what the sandbox says of each mail."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from notifier.sandbox.sendgrid.expand import substituter
from tests.contract.sandbox.sendgrid_requests import a_personalization, a_request, accepted, mail, refused
from tests.sandbox_server import RunningSandbox

PRAISED = {
    "List-Id": "Incidents <incidents.myonlinestore.example>",
    "Auto-Submitted": "auto-generated",
    "References": "<inc-1@myonlinestore.example>",
}
ONE_CLICK = {
    "List-Unsubscribe": "<https://notices.example/u/7Jx>, <mailto:unsub+7Jx@notices.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
HTML = '<!doctype html><html lang="en"><body>-greet_html-</body></html>'


def header(shown: dict[str, Any], name: str) -> list[str]:
    return [value for found, value in shown["headers"] if found.lower() == name.lower()]


def test_each_personalization_becomes_a_mail_with_its_own_words(sandbox: RunningSandbox) -> None:
    request = a_request(
        a_personalization(1, substitutions={"-greet-": "Jana", "-greet_html-": "J&amp;a", "-region-": "EU"}),
        a_personalization(2, substitutions={"-greet-": "Noor", "-greet_html-": "Noor", "-region-": "NL"}),
        subject="Payments are slow in -region-",
        content=[{"type": "text/plain", "value": "Hello -greet-,\n"}, {"type": "text/html", "value": HTML}],
        reply_to={"email": "support@myonlinestore.example", "name": "Support -region-"},
    )
    message_id = accepted(sandbox, request)
    first, second = mail(sandbox, message_id, 0), mail(sandbox, message_id, 1)
    assert (first["subject"], second["subject"]) == ("Payments are slow in EU", "Payments are slow in NL")
    assert (first["text"], second["text"]) == ("Hello Jana,\n", "Hello Noor,\n")
    assert "J&amp;a" in first["html"]
    assert second["reply_to"] == [{"email": "support@myonlinestore.example", "name": "Support NL"}]
    assert [shown["to"][0]["email"] for shown in (first, second)] == ["owner1@shop.example", "owner2@shop.example"]
    assert first["delivery_id"] == "dlv_1"
    assert first["notification_id"] == "ntf_1"


def test_substitution_is_one_pass_with_the_longest_key_first() -> None:
    fill = substituter({"-a-": "-b-", "-b-": "x", "-ab": "short", "-ab-": "long"})
    assert fill("-a- -b- -ab- -abc") == "-b- x long shortc"


def test_substitution_does_not_reach_custom_arguments_categories_or_the_sender(sandbox: RunningSandbox) -> None:
    entry = a_personalization(1, substitutions={"-a-": "x"}, custom_args={"delivery_id": "-a-"})
    sender = {"email": "status@myonlinestore.example", "name": "-a-"}
    shown = mail(sandbox, accepted(sandbox, a_request(entry, categories=["-a-"], **{"from": sender})))
    assert (shown["custom_args"]["delivery_id"], shown["categories"], shown["from"]["name"]) == ("-a-", ["-a-"], "-a-")


@pytest.mark.parametrize("left", ["-other-", "\ue000other\ue001", "-greet-"])
def test_tag_without_a_value_is_refused_in_strict_mode_alone(sandbox: RunningSandbox, left: str) -> None:
    entry = a_personalization(2, substitutions={"-name-": "Noor"})
    request = a_request(a_personalization(1, substitutions={"-name-": "a", "-greet-": "b"}), entry)
    request["content"] = [{"type": "text/plain", "value": f"Hello {left}"}]
    field = "personalizations.1.substitutions"
    assert (f"Strict mode: no value for the tag {left}, which would stay visible in the mail.", field) in refused(
        sandbox, request
    )
    sandbox.turn("sendgrid", strict=False)
    assert mail(sandbox, accepted(sandbox, request), 1)["text"] == f"Hello {left}"


@pytest.mark.parametrize(
    "words", ["a well-known-thing", "run -v - now", "100% sure, 50% off", "-webkit-box", "%C3%A9%20"]
)
def test_words_that_only_resemble_tags_are_let_through(sandbox: RunningSandbox, words: str) -> None:
    entry = a_personalization(1, substitutions={"-name-": "Noor", "%x%": "y"})
    accepted(sandbox, a_request(entry, content=[{"type": "text/plain", "value": words}]))


def test_key_that_begins_another_key_is_refused_in_strict_mode(sandbox: RunningSandbox) -> None:
    entry = a_personalization(1, substitutions={"-name": "a", "-name-": "b"})
    assert "is a prefix of" in refused(sandbox, a_request(entry))[0][0]


def test_headers_of_both_levels_are_merged_and_the_personalizations_win(sandbox: RunningSandbox) -> None:
    request = a_request(a_personalization(1, headers={"list-id": "Own <own.example>"} | ONE_CLICK), headers=PRAISED)
    shown = mail(sandbox, accepted(sandbox, request))
    assert header(shown, "List-Id") == ["Own <own.example>"]
    assert header(shown, "References") == ["<inc-1@myonlinestore.example>"]
    assert header(shown, "List-Unsubscribe") == [ONE_CLICK["List-Unsubscribe"]]


def test_headers_of_a_personalization_replace_the_messages_where_the_switch_says_so(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", merge_headers=False)
    request = a_request(a_personalization(1, headers=ONE_CLICK), a_personalization(2), headers=PRAISED)
    message_id = accepted(sandbox, request)
    first, second = mail(sandbox, message_id, 0), mail(sandbox, message_id, 1)
    assert header(first, "References") == []
    assert header(first, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    assert header(second, "References") == ["<inc-1@myonlinestore.example>"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Störung": "x"}, "Header keys cannot contain non-ASCII characters and empty spaces."),
        ({"X A": "x"}, "Header keys cannot contain non-ASCII characters and empty spaces."),
        ({"": "x"}, "Header keys cannot contain non-ASCII characters and empty spaces."),
        ({"X-A": "1", "x-a": "2"}, "The headers cannot contain duplicate keys."),
        ({"X-A": "1\r\nBcc: a@b.example"}, "Header values must not contain line breaks."),
        ({"X-A": "x" * 994}, "The header line of X-A is longer than 998 octets."),
        ({"X-A": "é" * 497}, "The header line of X-A is longer than 998 octets."),
    ],
)
def test_malformed_header_is_refused(sandbox: RunningSandbox, headers: dict[str, str], message: str) -> None:
    field = "personalizations.0.headers"
    assert refused(sandbox, a_request(a_personalization(headers=headers))) == [(message, field)]


def test_header_line_of_998_octets_is_accepted(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request(a_personalization(headers={"X-A": "x" * 993})))


def test_well_formed_message_id_passes_and_any_other_is_rewritten(sandbox: RunningSandbox) -> None:
    own = a_personalization(1, headers={"Message-ID": "<inc-1.u3.dlv_1@myonlinestore.example>"})
    bare = a_personalization(2, headers={"Message-ID": "dlv_2"})
    message_id = accepted(sandbox, a_request(own, bare, a_personalization(3)))
    assert header(mail(sandbox, message_id, 0), "Message-ID") == ["<inc-1.u3.dlv_1@myonlinestore.example>"]
    for index in (1, 2):
        assert header(mail(sandbox, message_id, index), "Message-ID") == [f"<{message_id}@geopod-ismtpd-sandbox>"]


def test_mail_can_be_fetched_as_the_mime_a_mail_program_reads(sandbox: RunningSandbox) -> None:
    entry = {"to": [{"email": "kasse@haendler.example", "name": "Händler GmbH"}], "headers": ONE_CLICK}
    message_id = accepted(
        sandbox,
        a_request(
            entry,
            subject="Störung: 障害",
            content=[{"type": "text/plain", "value": "Grüße " * 300}, {"type": "text/html", "value": HTML}],
            attachments=[{"content": "aGVsbG8=", "filename": "a.txt", "type": "text/plain"}],
        ),
    )
    source = sandbox.call("GET", f"/sandbox/api/mails/{message_id}.0.eml")
    parsed: Any = message_from_bytes(source.body, policy=default)
    assert all(len(line) <= 998 for line in source.body.splitlines())
    assert parsed["Subject"] == "Störung: 障害"
    assert parsed["To"].addresses[0].display_name == "Händler GmbH"
    assert parsed["To"].addresses[0].addr_spec == "kasse@haendler.example"
    assert parsed.get_body(["plain"]).get_content().strip() == ("Grüße " * 300).strip()
    assert parsed.get_body(["html"]).get_content().strip() == HTML
    assert [part.get_filename() for part in parsed.iter_attachments()] == ["a.txt"]


def test_mail_that_keeps_all_rules_draws_no_remark(sandbox: RunningSandbox) -> None:
    content = [{"type": "text/plain", "value": "x"}, {"type": "text/html", "value": HTML}]
    entry = a_personalization(1, headers=ONE_CLICK, substitutions={"-greet_html-": "x"})
    assert mail(sandbox, accepted(sandbox, a_request(entry, headers=PRAISED, content=content)))["remarks"] == []


@pytest.mark.parametrize(
    ("headers", "html", "remark"),
    [
        ({"List-Unsubscribe": "<http://a.example/u/1>"}, HTML, "List-Unsubscribe is not https"),
        ({"List-Unsubscribe": "<mailto:a@b.example>"}, HTML, "List-Unsubscribe has 0 web addresses"),
        ({"List-Unsubscribe": "<https://a.example/1>, <https://a.example/2>"}, HTML, "has 2 web addresses"),
        ({"List-Unsubscribe": "<mailto:a@b.example>, <https://a.example/1>"}, HTML, "after the mailto"),
        ({"List-Unsubscribe": "<https://a.example/?owner1@shop.example>"}, HTML, "recipient's address in clear"),
        ({"List-Unsubscribe-Post": "yes"}, HTML, "List-Unsubscribe-Post is not List-Unsubscribe=One-Click"),
        ({}, "<html><body>x</body></html>", "the HTML names no language"),
        ({}, HTML + "<script></script>", "scripts, forms, frames"),
        ({}, HTML + "x" * 103_000, "Gmail clips it"),
        ({}, HTML + "x" * 61_000, "over the budget"),
    ],
)
def test_mail_that_breaks_a_rule_draws_a_remark(
    sandbox: RunningSandbox, headers: dict[str, str], html: str, remark: str
) -> None:
    content = [{"type": "text/plain", "value": "x"}, {"type": "text/html", "value": html}]
    entry = a_personalization(1, headers=ONE_CLICK | headers, substitutions={"-greet_html-": "x"})
    remarks = mail(sandbox, accepted(sandbox, a_request(entry, headers=PRAISED, content=content)))["remarks"]
    assert any(remark in found for found in remarks), remarks


def test_mail_without_the_list_headers_draws_a_remark_for_each(sandbox: RunningSandbox) -> None:
    remarks = " ".join(mail(sandbox, accepted(sandbox, a_request()))["remarks"])
    for name in ("List-Unsubscribe", "List-Id", "References", "Auto-Submitted"):
        assert f"{name} is missing" in remarks
