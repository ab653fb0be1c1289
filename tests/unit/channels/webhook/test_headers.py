import pytest

from notifier.channels.webhook.headers import MAX_HEADERS, validate_headers
from notifier.domain.errors import InvalidInputError


def faults(headers: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        validate_headers(headers)
    return {error.field: error.message for error in caught.value.errors}


def test_ordinary_headers_pass_as_they_are() -> None:
    headers = {"Authorization": "Bearer abc.def", "X-Team": "on call, NL", "traceparent": "00-ab-cd-01"}
    assert validate_headers(headers) == headers


@pytest.mark.parametrize(
    "name",
    [
        "Host", "content-length", "Content-Type", "Content-Encoding", "Accept-Encoding", "User-Agent", "Expect",
        "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "transfer-encoding", "Upgrade",
        "Proxy-Authorization", "Proxy-Connection", "Proxy-Anything", "Webhook-Id", "webhook-signature", "WEBHOOK-X",
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via", "Sec-Fetch-Site",
    ],
)  # fmt: skip
def test_headers_that_are_ours_or_the_connections_are_reserved(name: str) -> None:
    assert faults({name: "x"}) == {f"headers.{name}": "this header is reserved"}


@pytest.mark.parametrize(
    "name", ["", " X", "X ", "X:Y", "X\r\nY", "X\nY", "X\x00", "\u00dcber", "X" * 65, ":path", "a b", "(x)"]
)
def test_names_that_are_no_tokens_are_refused(name: str) -> None:
    assert len(faults({name: "x"})) == 1


@pytest.mark.parametrize(
    "value", ["", " a", "a ", "a\r\nX: y", "a\nb", "a\rb", "a\x00b", "a\tb", "caf\u00e9", "x" * 1025, "\x7f"]
)
def test_values_that_could_break_the_request_are_refused_and_not_repeated(value: str) -> None:
    found = faults({"X-Token": value})
    assert list(found) == ["headers.X-Token"]
    assert len(value) < 3 or value not in found["headers.X-Token"]


def test_every_fault_is_told_at_once() -> None:
    assert set(faults({"Host": "x", "X-A": "a\nb", "X-B": "fine"})) == {"headers.Host", "headers.X-A"}


def test_one_header_spelled_twice_is_refused() -> None:
    assert faults({"X-A": "1", "x-a": "2"}) == {"headers.x-a": "given twice"}


def test_their_number_is_bounded() -> None:
    assert len(validate_headers({f"X-{n}": "v" for n in range(MAX_HEADERS)})) == MAX_HEADERS
    assert "headers" in faults({f"X-{n}": "v" for n in range(MAX_HEADERS + 1)})
