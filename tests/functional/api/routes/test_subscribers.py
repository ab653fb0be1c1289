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
