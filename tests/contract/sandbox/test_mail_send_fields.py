"""The fields of a mail send request: shapes, limits, and what excludes what."""

import gzip
import json
from typing import Any

import pytest

from tests.contract.sandbox.sendgrid_requests import a_personalization, a_request, accepted, mail, refused, send
from tests.sandbox_server import RunningSandbox


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"substitutions": {"-a-": "b"}}, "substitutions"),
        ({"sections": {}}, "sections"),
        ({"recipients": []}, "recipients"),
        ({"from": {"email": "a@b.example", "nickname": "x"}}, "from.nickname"),
        ({"content": [{"type": "text/plain", "value": "x", "charset": "utf-8"}]}, "content.0.charset"),
        ({"mail_settings": {"spam_check": {"enable": True}}}, "mail_settings.spam_check"),
        ({"tracking_settings": {"open_tracking": {"enabled": True}}}, "tracking_settings.open_tracking.enabled"),
        ({"asm": {"group_id": 1, "name": "x"}}, "asm.name"),
    ],
)
def test_unknown_field_is_refused_by_name(sandbox: RunningSandbox, changes: dict[str, Any], field: str) -> None:
    [(message, named)] = refused(sandbox, a_request(**changes))
    assert message == f"Additional property {field.rpartition('.')[2]} is not allowed"
    assert named == field


def test_unknown_field_of_an_object_is_refused_by_name(sandbox: RunningSandbox) -> None:
    request = a_request(a_personalization(0), a_personalization(1, locale="nl"))
    assert refused(sandbox, request) == [("Additional property locale is not allowed", "personalizations.1.locale")]
    addressee = {"to": [{"email": "a@shop.example", "locale": "nl"}]}
    assert [field for _, field in refused(sandbox, a_request(addressee))] == ["personalizations.0.to.0.locale"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": None}, "from.email"),
        ({"from": {"name": "x"}}, "from.email"),
        ({"from": {"email": "störung@shop.example"}}, "from.email"),
        ({"from": "a@b.example"}, "from.email"),
        ({"reply_to": {"email": "x"}}, "reply_to.email"),
        ({"reply_to_list": []}, "reply_to_list"),
        ({"reply_to_list": [{"email": "a@b.example"}, {"email": "A@b.example"}]}, "reply_to_list"),
        ({"reply_to": {"email": "a@b.example"}, "reply_to_list": [{"email": "c@b.example"}]}, "reply_to_list"),
        ({"subject": ""}, "subject"),
        ({"subject": 5}, "subject"),
        ({"content": None}, "content"),
        ({"content": []}, "content"),
        ({"content": ["text"]}, "content.0"),
        ({"content": [{"type": "text/plain; charset=utf-8", "value": "x"}]}, "content.0.type"),
        ({"content": [{"type": "", "value": "x"}]}, "content.0.type"),
        ({"categories": ["x"] * 2}, "categories.1"),
        ({"categories": [str(number) for number in range(11)]}, "categories"),
        ({"categories": ["x" * 256]}, "categories.0"),
        ({"categories": ["Störung"]}, "categories.0"),
        ({"categories": "incident"}, "categories"),
        ({"send_at": "soon"}, "send_at"),
        ({"send_at": 1.5}, "send_at"),
        ({"send_at": True}, "send_at"),
        ({"batch_id": 7}, "batch_id"),
        ({"batch_id": "unknown"}, "batch_id"),
        ({"ip_pool_name": "x"}, "ip_pool_name"),
        ({"template_id": 7}, "template_id"),
        ({"asm": 7}, "asm"),
        ({"asm": {"group_id": "7"}}, "asm.group_id"),
        ({"asm": {"group_id": 7, "groups_to_display": list(range(26))}}, "asm.groups_to_display"),
        ({"mail_settings": {"sandbox_mode": {"enable": "true"}}}, "mail_settings.sandbox_mode.enable"),
        ({"mail_settings": {"footer": {"enable": True, "text": 5}}}, "mail_settings.footer.text"),
        (
            {"mail_settings": {"bypass_list_management": {"enable": True}, "bypass_spam_management": {"enable": True}}},
            "mail_settings.bypass_list_management",
        ),
        ({"tracking_settings": {"click_tracking": {"enable": 1}}}, "tracking_settings.click_tracking.enable"),
        ({"attachments": [{"content": "***", "filename": "a.txt"}]}, "attachments.0.content"),
        ({"attachments": [{"content": "YQ=="}]}, "attachments.0.filename"),
        ({"attachments": [{"content": "YQ==", "filename": "a", "disposition": "x"}]}, "attachments.0.disposition"),
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": ["x"]}, "personalizations.0"),
    ],
)
def test_wrong_field_is_refused_with_its_path(sandbox: RunningSandbox, changes: dict[str, Any], field: str) -> None:
    assert field in [named for _, named in refused(sandbox, a_request(**changes))]


def test_names_with_semicolon_or_comma_are_refused_in_strict_mode_alone(sandbox: RunningSandbox) -> None:
    entry = {"to": [{"email": "a@shop.example", "name": "Jansen, Bloemen"}]}
    assert [field for _, field in refused(sandbox, a_request(entry))] == ["personalizations.0.to.0.name"]
    sandbox.turn("sendgrid", strict=False)
    accepted(sandbox, a_request(entry))


def test_substitutions_are_limited_to_150_entries_and_10_000_octets(sandbox: RunningSandbox) -> None:
    full = {f"-k{number:03}x-": "v" for number in range(150)}
    accepted(sandbox, a_request(a_personalization(substitutions=full)))
    [(message, field)] = refused(sandbox, a_request(a_personalization(substitutions=full | {"-more-": "v"})))
    assert message == "Substitutions are limited to 150 items per personalization block."
    assert field == "personalizations.0.substitutions"
    accepted(sandbox, a_request(a_personalization(substitutions={"-a-": "x" * 9_997})))
    assert refused(sandbox, a_request(a_personalization(substitutions={"-a-": "x" * 9_998})))
    accepted(sandbox, a_request(a_personalization(substitutions={"-a-": "障" * 3_332})))
    assert refused(sandbox, a_request(a_personalization(substitutions={"-a-": "障" * 3_333})))


def test_custom_arguments_are_limited_after_merging(sandbox: RunningSandbox) -> None:
    common = {"notification_id": "x" * 5_000}
    size = len(json.dumps(common | {"delivery_id": ""}, separators=(",", ":")))
    accepted(
        sandbox, a_request(a_personalization(custom_args={"delivery_id": "y" * (10_000 - size)}), custom_args=common)
    )
    long = a_personalization(custom_args={"delivery_id": "y" * (10_001 - size)})
    [(message, field)] = refused(sandbox, a_request(long, custom_args=common))
    assert "custom arguments may not exceed 10,000 bytes" in message
    assert field == "personalizations.0.custom_args"
    accepted(sandbox, a_request(a_personalization(custom_args={"notification_id": "short"}), custom_args=common))


def test_dynamic_template_data_needs_a_dynamic_template_and_excludes_substitutions(sandbox: RunningSandbox) -> None:
    data = a_personalization(dynamic_template_data={"name": "Jana", "n": 3})
    accepted(sandbox, a_request(data, template_id="d-1"))
    assert [field for _, field in refused(sandbox, a_request(data))] == ["personalizations.0.dynamic_template_data"]
    both = a_personalization(dynamic_template_data={}, substitutions={"-a-": "b"})
    assert refused(sandbox, a_request(both, template_id="d-1"))


def test_sandbox_mode_validates_answers_200_and_sends_nothing(sandbox: RunningSandbox) -> None:
    settings = {"sandbox_mode": {"enable": True}}
    answer = send(sandbox, a_request(mail_settings=settings))
    assert (answer.status, answer.body) == (200, b"")
    assert "x-message-id" not in answer.headers
    assert refused(sandbox, a_request(mail_settings=settings, subject=""))
    assert sandbox.get("/sandbox/api/summary")["mails"]["total"] == 0


def test_everything_the_reference_allows_is_accepted_at_once(sandbox: RunningSandbox) -> None:
    batch_id = sandbox.state.mail.schedule.new_batch(sandbox.state.live.now())
    request = a_request(
        a_personalization(
            1,
            subject="Own",
            headers={"List-Unsubscribe": "<https://a.example/u/1>"},
            substitutions={"-greet-": "Jana"},
            send_at=1,
            **{"from": {"email": "other@myonlinestore.example"}},
        ),
        reply_to={"email": "support@myonlinestore.example", "name": "Support"},
        attachments=[{"content": "aGVsbG8=", "filename": "a.txt", "type": "text/plain", "content_id": "a"}],
        headers={"List-Id": "Incidents <incidents.myonlinestore.example>"},
        send_at=1,
        batch_id=batch_id,
        asm={"group_id": 7, "groups_to_display": [7, 8]},
        ip_pool_name="incidents",
        mail_settings={
            "footer": {"enable": True, "text": "x", "html": "x"},
            "bypass_spam_management": {"enable": False},
        },
        tracking_settings={
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False, "utm_source": "x"},
        },
    )
    shown = mail(sandbox, accepted(sandbox, request))
    assert shown["subject"] == "Own"
    assert shown["from"]["email"] == "other@myonlinestore.example"
    assert shown["attachments"] == [{"filename": "a.txt", "type": "text/plain"}]


def test_gzip_is_taken_only_where_it_is_enabled(sandbox: RunningSandbox) -> None:
    body = gzip.compress(json.dumps(a_request()).encode())
    assert send(sandbox, body, {"Content-Encoding": "gzip"}).status == 415
    sandbox.turn("sendgrid", gzip=True)
    assert send(sandbox, body, {"Content-Encoding": "gzip"}).status == 202
    assert send(sandbox, b"no gzip", {"Content-Encoding": "gzip"}).status == 400
