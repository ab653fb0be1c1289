"""Mail send requests for the tests, and the call that sends them raw."""

from typing import Any

from notifier.sandbox.credentials import SENDGRID_API_KEY
from tests.sandbox_server import Answer, RunningSandbox

AUTHORIZED = {"Authorization": f"Bearer {SENDGRID_API_KEY}"}
MAIL_SEND = "/sendgrid/v3/mail/send"

Request = dict[str, Any]


def a_personalization(number: int = 0, **changes: Any) -> Request:
    return {
        "to": [{"email": f"owner{number}@shop.example", "name": "Owner"}],
        "custom_args": {"delivery_id": f"dlv_{number}"},
        **changes,
    }


def a_request(*objects: Request, **changes: Any) -> Request:
    """A request that is accepted; a change to None leaves the field out."""
    request = {
        "from": {"email": "status@myonlinestore.example", "name": "MyOnlineStore"},
        "subject": "Degraded performance",
        "content": [
            {"type": "text/plain", "value": "We are noticing"},
            {"type": "text/html", "value": "<p>We are</p>"},
        ],
        "personalizations": list(objects) or [a_personalization()],
        "custom_args": {"notification_id": "ntf_1"},
        "categories": ["incident", "locale-en"],
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def send(sandbox: RunningSandbox, request: Any, headers: dict[str, str] | None = None) -> Answer:
    return sandbox.call("POST", MAIL_SEND, request, AUTHORIZED | (headers or {}))


def refused(sandbox: RunningSandbox, request: Any, status: int = 400) -> list[tuple[str, str | None]]:
    """(message, field) of each error of a request that must be refused with this status."""
    answer = send(sandbox, request)
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json"
    errors = answer.json()["errors"]
    assert all(error["help"] is None for error in errors)
    return [(error["message"], error["field"]) for error in errors]


def accepted(sandbox: RunningSandbox, request: Any) -> str:
    """The X-Message-Id of a request that must be accepted."""
    answer = send(sandbox, request)
    assert answer.status == 202, (answer.status, answer.body)
    return answer.headers["x-message-id"]


def mail(sandbox: RunningSandbox, message_id: str, index: int = 0) -> Any:
    return sandbox.get(f"/sandbox/api/mails/{message_id}.{index}")
