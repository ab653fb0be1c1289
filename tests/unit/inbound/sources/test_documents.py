from datetime import UTC, datetime

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.inbound.sources.documents import document_of
from notifier.inbound.sources.requests import InboundRequest

MULTIPART = "multipart/form-data; boundary=x"


def request(body: bytes, content_type: str = "", **query: str) -> InboundRequest:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    return InboundRequest(body=body, received_at=at, headers={"content-type": content_type}, query=query)


def test_json_is_read_whatever_its_content_type() -> None:
    assert document_of(request(b'{"a": 1}', "text/plain")) == {"a": 1}


def test_without_a_body_the_query_counts() -> None:
    assert document_of(request(b" ", a="1")) == {"a": "1"}


def test_a_file_among_form_fields_is_left_out() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nnothing\r\n'
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xe2\x82\xac\r\n--x--\r\n'
    )
    assert document_of(request(body, MULTIPART)) == {"a": "\N{EURO SIGN}"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"&".join(b"a=1" for _ in range(300)), "application/x-www-form-urlencoded"),
        (b"nothing", MULTIPART),
        (b"nothing", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 300 + b"--x--\r\n", MULTIPART),
        (b"--x\r\n" + b"A: b\r\n" * 10_000, MULTIPART),
    ],
)
def test_a_body_that_is_no_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(InvalidInputError, match="form fields"):
        document_of(request(body, content_type))
