import pytest

from tests.functional.api.api_client import Api, a_subscriber

CSV = b"external_id,email,locale\r\nshop-1,a@example.com,nl\r\nshop-2,no address,nl\r\nshop-3,c@example.com,en\r\n"

NDJSON = (
    b'{"external_id": "shop-1", "email": "a@example.com"}\n{"external_id": "shop-2", "email": "no"}\nbroken\n'
    b'{"external_id": "shop-3", "email": "c@example.com"}\n'
)


@pytest.mark.parametrize(
    ("body", "media", "bad"),
    [
        (CSV, "text/csv; charset=utf-8", [3]),
        (NDJSON, "application/x-ndjson", [2, 3]),
        (CSV, "", [3]),
        (NDJSON, "application/octet-stream", [2, 3]),
    ],
)
def test_a_list_is_brought_in_and_bad_rows_are_named(api: Api, body: bytes, media: str, bad: list[int]) -> None:
    pieces = iter([body[place : place + 7] for place in range(0, len(body), 7)])
    answer = api.post("/v1/subscribers/import", content=pieces, headers={"Content-Type": media})
    assert answer.status_code == 200
    report = answer.json()
    assert (report["created"], report["rejected"]) == (2, len(bad))
    assert [row["line"] for row in report["errors"]] == bad
    assert report["errors"][0]["errors"][0]["field"] == "email"
    assert api.get("/v1/subscribers/shop-3").status_code == 200


def test_a_list_is_not_bound_by_the_limit_of_other_bodies(api: Api) -> None:
    rows = b"".join(b"shop-%d,owner-%d@example.com\n" % (number, number) for number in range(40_000))
    assert len(rows) > api.container.settings.limits.request_bytes
    answer = api.post(
        "/v1/subscribers/import", content=b"external_id,email\n" + rows, headers={"Content-Type": "text/csv"}
    )
    assert answer.json()["created"] == 40_000


def test_a_header_nobody_knows_stores_nothing(api: Api) -> None:
    answer = api.post("/v1/subscribers/import", content=b"name,shoe\nx,43\n", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 422


def test_an_invited_list_waits_for_confirmation(api: Api) -> None:
    api.post("/v1/subscribers/import?invite=true", content=CSV, headers={"Content-Type": "text/csv"})
    assert api.get("/v1/subscribers/shop-1").json()["state"] == "pending"


@pytest.mark.parametrize(("form", "media"), [("csv", "text/csv; charset=utf-8"), ("ndjson", "application/x-ndjson")])
def test_an_export_goes_back_in(api: Api, form: str, media: str) -> None:
    for number in range(3):
        api.post("/v1/subscribers", json=a_subscriber(number))
    answer = api.get(f"/v1/subscribers/export?format={form}")
    assert answer.headers["content-type"] == media
    assert f"subscribers.{form}" in answer.headers["content-disposition"]
    back = api.post("/v1/subscribers/import", content=answer.content, headers={"Content-Type": media}).json()
    assert (back["unchanged"], back["rejected"]) == (3, 0)
