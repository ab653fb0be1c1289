import re

from tests.functional.api.api_client import Api, a_subscriber


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
