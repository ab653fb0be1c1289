"""Getting a status page over a real connection: whatever it answers, it is read whole or refused."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from notifier.channels.page_client import PageClient
from notifier.domain.proposals.polled_page import PageUnreadableError
from tests.support.status_page import UNRESOLVED, StatusPage, an_incident, status_page


@pytest.fixture
def page() -> Iterator[StatusPage]:
    with status_page() as found:
        yield found


@pytest.fixture
def client(page: StatusPage) -> Iterator[PageClient]:
    with closing(PageClient(page.url, connect_timeout=5, timeout=5)) as found:
        yield found


def refusal(client: PageClient) -> PageUnreadableError:
    with pytest.raises(PageUnreadableError) as caught:
        client.fetch(UNRESOLVED, {})
    return caught.value


def test_a_packed_answer_is_read_and_an_unchanged_page_answers_without_a_body(
    page: StatusPage, client: PageClient
) -> None:
    page.incidents = [an_incident()]
    answer = client.fetch(UNRESOLVED, {})
    assert answer.body is not None
    assert json.loads(answer.body)["incidents"][0]["id"] == "p31zjtct2jer"
    again = client.fetch(UNRESOLVED, answer.validators)
    assert (again.body, again.validators) == (None, answer.validators)
    page.incidents = []
    assert client.fetch(UNRESOLVED, answer.validators).body is not None


def test_a_page_below_a_path_is_fetched_there(page: StatusPage) -> None:
    with closing(PageClient(f"{page.url}/status/", connect_timeout=5, timeout=5)) as client:
        assert refusal(client).status == 404
    assert page.asked == [(f"/status{UNRESOLVED}", 404)]


@pytest.mark.parametrize(
    ("fault", "said", "seconds"),
    [
        ((503, {}), "HTTP 503", None),
        ((429, {"Retry-After": "120"}), "HTTP 429", 120),
        ((302, {"Location": "http://192.0.2.1/elsewhere"}), "redirects to 192.0.2.1, which is not followed", None),
        ((304, {}), "HTTP 304", None),
    ],
)
def test_any_other_status_is_refused_and_no_redirect_is_followed(
    page: StatusPage, client: PageClient, fault: tuple[int, Mapping[str, str]], said: str, seconds: int | None
) -> None:
    status, headers = fault
    page.fault = (status, headers, b"")
    error = refusal(client)
    assert error.status == status
    assert said in error.detail
    assert (error.retry_after and error.retry_after.total_seconds()) == seconds
    assert len(page.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(bytes(20 << 20)), "too long"),
        (b"not packed at all", "damaged"),
        (gzip.compress(b"whole")[:-4], "cut off"),
    ],
    ids=["a bomb", "plain", "cut off"],  # packed bytes hold the time of packing
)
def test_a_body_is_bounded_and_must_be_what_it_says(
    page: StatusPage, client: PageClient, body: bytes, said: str
) -> None:
    page.fault = (200, {"Content-Encoding": "gzip"}, body)
    assert said in refusal(client).detail


def test_a_body_that_is_too_long_is_refused(page: StatusPage, client: PageClient) -> None:
    page.fault = (200, {}, bytes(3 << 20))
    assert "too long" in refusal(client).detail


def test_a_page_that_never_answers_is_left_at_the_time_out(page: StatusPage) -> None:
    page.silent.set()
    began = time.monotonic()
    with closing(PageClient(page.url, connect_timeout=5, timeout=0.3)) as client:
        assert "time-out" in refusal(client).detail
    assert time.monotonic() - began < 5


def test_a_page_that_nobody_serves_is_refused() -> None:
    with status_page() as gone:
        url = gone.url
    with closing(PageClient(url, connect_timeout=1, timeout=1)) as client:
        assert "cannot connect" in refusal(client).detail
