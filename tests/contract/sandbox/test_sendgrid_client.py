"""The `sendgrid` package against the sandbox: what it raises on each fault decides how a sender may go on."""

import http.client
import urllib.error

import pytest
import python_http_client.exceptions as errors
from sendgrid import SendGridAPIClient

from notifier.sandbox.credentials import SENDGRID_API_KEY
from tests.contract.sandbox.sendgrid_requests import a_personalization, a_request
from tests.sandbox_server import RunningSandbox, until


@pytest.fixture
def client(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> SendGridAPIClient:
    monkeypatch.setenv("no_proxy", "*")
    client = SendGridAPIClient(SENDGRID_API_KEY, host=sandbox.sendgrid_url)
    client.client.timeout = 5
    return client


def mails(sandbox: RunningSandbox) -> int:
    total: int = sandbox.get("/sandbox/api/summary")["mails"]["total"]
    return total


def test_send_returns_the_message_id(sandbox: RunningSandbox, client: SendGridAPIClient) -> None:
    response = client.send(a_request(*(a_personalization(number) for number in range(1000))))
    assert response.status_code == 202
    assert len(response.headers.get("X-Message-Id")) == 22
    assert mails(sandbox) == 1000


def test_bad_address_raises_bad_request_with_the_field(client: SendGridAPIClient) -> None:
    with pytest.raises(errors.BadRequestsError) as caught:
        client.send(a_request({"to": [{"email": "nobody"}]}))
    assert caught.value.to_dict["errors"][0]["field"] == "personalizations.0.to.0.email"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.UnauthorizedError),
        (403, errors.ForbiddenError),
        (413, errors.PayloadTooLargeError),
        (429, errors.TooManyRequestsError),
        (500, errors.InternalServerError),
        (502, errors.HTTPError),
        (503, errors.ServiceUnavailableError),
        (504, errors.GatewayTimeoutError),
    ],
)
def test_status_on_request_raises_its_error_and_sends_nothing(
    sandbox: RunningSandbox, client: SendGridAPIClient, status: int, error: type[errors.HTTPError]
) -> None:
    sandbox.fault("sendgrid", "status", status=status, count=1)
    with pytest.raises(error) as caught:
        client.send(a_request())
    assert type(caught.value) is error
    assert caught.value.status_code == status
    assert caught.value.to_dict["errors"][0]["message"]
    assert mails(sandbox) == 0
    assert client.send(a_request()).status_code == 202


def test_status_after_acceptance_hides_a_mail_that_was_sent(sandbox: RunningSandbox, client: SendGridAPIClient) -> None:
    sandbox.fault("sendgrid", "status", status=502, count=1, after_accept=True)
    with pytest.raises(errors.HTTPError):
        client.send(a_request())
    assert mails(sandbox) == 1


def test_html_page_of_an_edge_has_no_json(sandbox: RunningSandbox, client: SendGridAPIClient) -> None:
    sandbox.fault("sendgrid", "html_error", status=504, count=1)
    with pytest.raises(errors.GatewayTimeoutError) as caught:
        client.send(a_request())
    assert caught.value.body.startswith(b"<html>")


@pytest.mark.parametrize(("kind", "sent"), [("drop_before", 0), ("drop_after_accept", 1)])
def test_dropped_connection_tells_nothing_of_whether_the_mail_was_sent(
    sandbox: RunningSandbox, client: SendGridAPIClient, kind: str, sent: int
) -> None:
    sandbox.fault("sendgrid", kind, count=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        client.send(a_request())
    assert mails(sandbox) == sent


def test_truncated_answer_is_an_incomplete_read_of_a_mail_that_was_sent(
    sandbox: RunningSandbox, client: SendGridAPIClient
) -> None:
    sandbox.fault("sendgrid", "truncate", count=1)
    with pytest.raises(http.client.IncompleteRead):
        client.send(a_request())
    assert mails(sandbox) == 1


def test_connection_reset_while_the_request_is_written_sends_nothing(
    sandbox: RunningSandbox, client: SendGridAPIClient
) -> None:
    sandbox.fault("sendgrid", "reset_early", count=1)
    large = a_request(content=[{"type": "text/plain", "value": "x" * 8_000_000}])
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        client.send(large)
    assert mails(sandbox) == 0


@pytest.mark.parametrize("after", [False, True])
def test_delay_beyond_the_time_out_is_a_time_out(
    sandbox: RunningSandbox, client: SendGridAPIClient, *, after: bool
) -> None:
    sandbox.fault("sendgrid", "delay", delay=1.0, count=1, after_accept=after)
    with pytest.raises(TimeoutError):
        client.client.mail.send.post(request_body=a_request(), timeout=0.2)
    until(lambda: mails(sandbox) == 1)


def test_redirect_of_a_post_ends_in_a_false_success_without_a_message_id(
    sandbox: RunningSandbox, client: SendGridAPIClient
) -> None:
    sandbox.fault("sendgrid", "redirect", status=302, count=1)
    response = client.send(a_request())
    assert response.status_code == 200
    assert response.headers.get("X-Message-Id") is None
    assert mails(sandbox) == 0


def test_rate_limit_can_be_given_headers_of_choice(sandbox: RunningSandbox, client: SendGridAPIClient) -> None:
    sandbox.fault("sendgrid", "status", status=429, count=1, headers={"X-RateLimit-Reset": "1785578500"})
    with pytest.raises(errors.TooManyRequestsError) as caught:
        client.send(a_request())
    assert caught.value.headers.get("X-RateLimit-Reset") == "1785578500"
