"""The assertions API: what demo, tests and acceptance runs ask the sandbox."""

import json
from datetime import UTC, datetime, timedelta

from notifier.sandbox.config import SandboxConfig
from tests.contract.sandbox.sendgrid_requests import a_personalization, a_request, accepted, send
from tests.sandbox_server import RunningSandbox, running_sandbox


def deliveries(sandbox: RunningSandbox) -> dict[str, int]:
    answer = sandbox.call("GET", "/sandbox/api/deliveries")
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.body.splitlines()]
    return {f"{row['channel']} {row['delivery_id']}": row["count"] for row in rows}


def test_summary_counts_mails_by_the_locale_of_their_category(sandbox: RunningSandbox) -> None:
    for locale, number in (("nl", 3), ("en", 2)):
        entries = [a_personalization(index, to=[{"email": f"{locale}{index}@shop.example"}]) for index in range(number)]
        accepted(sandbox, a_request(*entries, categories=["incident", f"locale-{locale}"]))
    accepted(sandbox, a_request(categories=["incident"]))
    mails = sandbox.get("/sandbox/api/summary")["mails"]
    assert mails["per_locale"] == {"nl": 3, "en": 2, "": 1}
    assert (mails["total"], mails["requests"], mails["addresses"]) == (6, 3, 6)


def test_delivery_that_comes_twice_is_a_duplicate(sandbox: RunningSandbox) -> None:
    for _ in range(2):
        accepted(sandbox, a_request(a_personalization(1), a_personalization(2)))
    accepted(sandbox, a_request(a_personalization(3)))
    summary = sandbox.get("/sandbox/api/summary")
    assert summary["duplicates"]["email"] == 2
    assert summary["mails"]["same_notification_twice"] == 2
    assert deliveries(sandbox) == {"email dlv_1": 2, "email dlv_2": 2, "email dlv_3": 1}


def test_address_that_is_mailed_twice_under_two_ids_is_noticed(sandbox: RunningSandbox) -> None:
    for number in range(2):
        entry = a_personalization(1, custom_args={"delivery_id": f"dlv_{number}"})
        accepted(sandbox, a_request(entry))
    summary = sandbox.get("/sandbox/api/summary")
    assert (summary["duplicates"]["email"], summary["mails"]["same_notification_twice"]) == (0, 1)
    accepted(sandbox, a_request(a_personalization(1), custom_args={"notification_id": "ntf_2"}))
    assert sandbox.get("/sandbox/api/summary")["mails"]["same_notification_twice"] == 1


def test_mails_without_a_delivery_id_are_no_duplicates_and_not_listed(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request(*(a_personalization(number, custom_args={}) for number in range(3))))
    assert sandbox.get("/sandbox/api/summary")["duplicates"]["email"] == 0
    assert deliveries(sandbox) == {}


def test_each_notification_tells_when_its_first_and_last_mail_came() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        for number in range(3):
            accepted(sandbox, a_request(a_personalization(number)))
            now[0] += 10
        [row] = sandbox.get("/sandbox/api/notifications")["items"]
        assert (row["channel"], row["notification_id"], row["count"]) == ("email", "ntf_1", 3)
        assert datetime.fromisoformat(row["first_at"]) == datetime.fromtimestamp(1_785_578_400, UTC)
        assert datetime.fromisoformat(row["last_at"]) - datetime.fromisoformat(row["first_at"]) == timedelta(seconds=20)
        assert sandbox.get("/sandbox/api/summary")["notifications"]["email"]["ntf_1"]["count"] == 3


def test_mails_are_listed_newest_first_and_by_address_and_locale(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request(*(a_personalization(number) for number in range(5)), subject="First"))
    accepted(sandbox, a_request(a_personalization(3), subject="Second", categories=["locale-nl"]))
    rows = sandbox.get("/sandbox/api/mails")["items"]
    assert [row["to"][0] for row in rows] == [f"owner{number}@shop.example" for number in (3, 4, 3, 2, 1, 0)]
    assert [row["to"][0] for row in sandbox.get("/sandbox/api/mails?limit=2&offset=1")["items"]] == [
        "owner4@shop.example",
        "owner3@shop.example",
    ]
    mine = sandbox.get("/sandbox/api/mails?address=Owner3@shop.example")["items"]
    assert [row["subject"] for row in mine] == ["Second", "First"]
    assert [row["subject"] for row in sandbox.get("/sandbox/api/mails?locale=nl")["items"]] == ["Second"]
    assert sandbox.get("/sandbox/api/mails?address=owner3@shop.exam")["items"] == []


def test_copies_are_found_by_their_address_too(sandbox: RunningSandbox) -> None:
    sandbox.turn("sendgrid", strict=False)
    accepted(sandbox, a_request(a_personalization(1, cc=[{"email": "copy@shop.example"}])))
    [row] = sandbox.get("/sandbox/api/mails?address=copy@shop.example")["items"]
    assert row["to"] == ["owner1@shop.example"]


def test_refused_requests_are_counted_and_shown(sandbox: RunningSandbox) -> None:
    send(sandbox, a_request(subject=""))
    sandbox.call("POST", "/sendgrid/v3/mail/send", a_request())
    refused = sandbox.get("/sandbox/api/summary")["refused"]
    assert (refused["email 400"], refused["email 401"]) == (1, 1)
    newest = sandbox.get("/sandbox/api/refusals")["items"]
    assert [row["status"] for row in newest] == [401, 400]
    assert newest[1]["errors"][0]["field"] == "subject"


def test_forgetting_drops_everything_that_arrived(sandbox: RunningSandbox) -> None:
    accepted(sandbox, a_request())
    sandbox.call("POST", "/hooks/a", b"{}")
    assert sandbox.call("DELETE", "/sandbox/api/records").status == 204
    summary = sandbox.get("/sandbox/api/summary")
    assert (summary["mails"]["total"], summary["webhooks"]["requests"], summary["refused"]) == (0, 0, {})
    assert sandbox.get("/sandbox/api/mails")["items"] == []
    assert sandbox.get("/sandbox/api/hooks")["items"] == []
    assert deliveries(sandbox) == {}


def test_memory_is_bounded_while_counts_and_ids_are_kept_for_all() -> None:
    with running_sandbox(SandboxConfig(retained_bytes=2_000_000, record_limit=10)) as sandbox:
        for number in range(20):
            entries = [a_personalization(number * 1_000 + index) for index in range(1_000)]
            accepted(sandbox, a_request(*entries))
        assert sandbox.get("/sandbox/api/summary")["mails"]["total"] == 20_000
        assert len(deliveries(sandbox)) == 20_000
        kept = sandbox.state.mail.retained.values()
        assert sum(len(record.body) + len(record.addresses) for record in kept) <= 2_000_000
        assert sandbox.get("/sandbox/api/mails?address=owner19999@shop.example")["items"]
        assert sandbox.get("/sandbox/api/mails?address=owner1@shop.example")["items"] == []
        for _ in range(30):
            sandbox.call("POST", "/hooks/a", b"{}")
        assert len(sandbox.get("/sandbox/api/hooks")["items"]) == 10
        assert sandbox.get("/sandbox/api/hooks")["hooks"][0]["requests"] == 30


def test_unknown_mail_is_404(sandbox: RunningSandbox) -> None:
    message_id = accepted(sandbox, a_request())
    for mail_id in (f"{message_id}.1", f"{message_id}.x", "nonsense.0", message_id):
        for tail in ("", ".eml"):
            assert sandbox.call("GET", f"/sandbox/api/mails/{mail_id}{tail}").status == 404
