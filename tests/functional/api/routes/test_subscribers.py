import re

import pytest

from tests.functional.api.api_client import Api, a_subscriber, faults


def test_a_subscribers_life_through_the_api(api_anywhere: Api) -> None:
    made = api_anywhere.post("/v1/subscribers", json=a_subscriber())
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/subscribers/shop-1"
    assert api_anywhere.get(made.headers["location"]).json() == made.json()
    changed = api_anywhere.patch("/v1/subscribers/shop-1", json={"preferences": {"min_impact": "major"}})
    assert changed.json()["preferences"]["min_impact"] == "major"
    assert changed.json()["preferences"]["channels"] == ["email"]
    assert api_anywhere.delete("/v1/subscribers/shop-1").status_code == 204
    assert api_anywhere.get("/v1/subscribers/shop-1").status_code == 404


def test_the_documented_example_is_taken(api: Api) -> None:
    body = api.document["paths"]["/v1/subscribers"]["post"]["requestBody"]["content"]["application/json"]
    assert api.post("/v1/subscribers", json=body["example"]).status_code == 201


def test_an_external_id_may_hold_what_addresses_must_escape(api: Api) -> None:
    made = api.post("/v1/subscribers", json=a_subscriber(external_id="eu/shop 7?ü"))
    assert api.get(made.headers["location"]).json()["external_id"] == "eu/shop 7?ü"
    assert api.delete(made.headers["location"]).status_code == 204


def test_a_name_that_is_taken_is_a_conflict(api: Api) -> None:
    api.post("/v1/subscribers", json=a_subscriber())
    assert api.post("/v1/subscribers", json=a_subscriber()).status_code == 409


def test_every_field_at_fault_is_named(api: Api) -> None:
    answer = api.post(
        "/v1/subscribers", json=a_subscriber(kind="friend", preferences={"components": ["a b"], "min_impact": "huge"})
    )
    assert answer.status_code == 422
    assert faults(answer).keys() == {"kind", "preferences.components.0", "preferences.min_impact"}


def test_broken_json_is_malformed(api: Api) -> None:
    answer = api.post("/v1/subscribers", content=b'{"external_id": ')
    assert answer.status_code == 400
    assert "line 1 column" in faults(answer)["body"]


def test_subscribers_are_listed_by_kind_and_state(api_anywhere: Api) -> None:
    for number in range(1, 6):
        api_anywhere.post("/v1/subscribers", json=a_subscriber(number, kind="partner" if number > 3 else "merchant"))
    first = api_anywhere.get("/v1/subscribers?kind=merchant&limit=2").json()
    rest = api_anywhere.get(f"/v1/subscribers?kind=merchant&limit=2&cursor={first['next']}").json()
    assert [item["external_id"] for item in first["items"] + rest["items"]] == ["shop-1", "shop-2", "shop-3"]
    assert rest["next"] is None
    assert api_anywhere.get("/v1/subscribers?state=pending").json()["items"] == []


def test_changes_are_audited_with_who_and_from_where(api: Api) -> None:
    api.post("/v1/subscribers", json=a_subscriber())
    api.patch("/v1/subscribers/shop-1", json={"locale": "de"}, headers={"Authorization": f"Bearer {api.key('manage')}"})
    newest, first = api.get("/v1/audit?object_kind=subscriber&object_id=shop-1").json()["items"]
    assert (newest["action"], newest["origin"]) == ("subscriber.changed", "testclient")
    assert re.fullmatch(r"key:key_\w+ \(test\)", newest["actor"])
    assert newest["detail"] == {"locale": ["nl", "de"]}
    assert (first["action"], first["actor"]) == ("subscriber.created", "key:admin")


def test_the_audit_trail_is_paged_newest_first(api: Api) -> None:
    for number in range(5):
        api.post("/v1/subscribers", json=a_subscriber(number))
    first = api.get("/v1/audit?limit=3").json()
    rest = api.get(f"/v1/audit?limit=3&cursor={first['next']}").json()
    found = [item["object_id"] for item in first["items"] + rest["items"]]
    assert found == [f"shop-{number}" for number in reversed(range(5))]
    assert rest["next"] is None


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
