from tests.functional.api.api_client import Api, an_event


def test_a_network_that_shows_wrong_keys_is_told_to_pause_and_locks_no_producer_out(api: Api) -> None:
    wrong = [api.get("/v1/incidents", headers={"Authorization": f"Bearer ntf_key_{number}"}) for number in range(12)]
    assert [answer.status_code for answer in wrong] == [401] * 10 + [429] * 2
    assert 0 < int(wrong[-1].headers["retry-after"]) <= 60
    assert api.get("/v1/incidents", headers={"Authorization": ""}).status_code == 401
    fresh = {"Authorization": f"Bearer {api.key('publish')}"}
    assert api.post("/v1/events", json=an_event(), headers=fresh).status_code == 202
