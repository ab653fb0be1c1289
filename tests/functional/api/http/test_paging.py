import pytest

from tests.functional.api.api_client import Api, an_event


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
