import pytest

from tests.functional.api.api_client import Api


def test_a_request_keeps_the_id_its_caller_gave_it(api: Api) -> None:
    assert api.get("/healthz", headers={"X-Request-Id": "trace-7.a_b"}).headers["x-request-id"] == "trace-7.a_b"


@pytest.mark.parametrize("odd", ["a b", "x" * 65, "<script>", ""])
def test_an_odd_request_id_is_replaced(api: Api, odd: str) -> None:
    given = api.get("/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"]
    assert given != odd
    assert given.isalnum()
