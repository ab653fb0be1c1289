import pytest

from tests.functional.api.api_client import Api, an_event


@pytest.mark.parametrize("path", ["/healthz", "/v1/incidents", "/nowhere", "/openapi.json"])
def test_every_answer_bears_the_security_headers(api: Api, path: str) -> None:
    headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_a_request_keeps_the_id_its_caller_gave_it(api: Api) -> None:
    assert api.get("/healthz", headers={"X-Request-Id": "trace-7.a_b"}).headers["x-request-id"] == "trace-7.a_b"


@pytest.mark.parametrize("odd", ["a b", "x" * 65, "<script>", ""])
def test_an_odd_request_id_is_replaced(api: Api, odd: str) -> None:
    given = api.get("/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"]
    assert given != odd
    assert given.isalnum()


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


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=many", "cursor=%21", "cursor=W10", "cursor=WzFd", "cursor=WyIyMDIyIiwiYSJd"],
)
def test_a_wrong_page_is_refused_by_name(api: Api, query: str) -> None:
    answer = api.get(f"/v1/incidents?{query}")
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [query.partition("=")[0]]


def test_lists_are_paged_without_gap_or_repeat(api_anywhere: Api) -> None:
    for number in range(7):
        api_anywhere.post("/v1/events", json=an_event(number, incident={"id": f"inc-{number}"}))
    seen: list[str] = []
    cursor = None
    while True:
        page = api_anywhere.get("/v1/incidents", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"inc-{number}" for number in reversed(range(7))]
