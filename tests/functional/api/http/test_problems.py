import pytest

from tests.functional.api.api_client import Api


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/incidents/", 404),
        ("PUT", "/v1/events", 405),
        ("GET", "/v1/incidents/in%00c", 404),
        ("GET", "/v1/subscribers/a%00b", 404),
        ("GET", "/v1/audit?object_id=%00", 404),
    ],
)
def test_what_is_not_there_is_a_problem_document(api: Api, method: str, path: str, status: int) -> None:
    answer = api.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == []
