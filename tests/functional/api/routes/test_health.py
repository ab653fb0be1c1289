from tests.functional.api.api_client import Api

OPEN = {"Authorization": ""}


def test_a_process_that_runs_is_live(api: Api) -> None:
    answer = api.get("/healthz", headers=OPEN)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_probes_may_ask_for_the_head_alone(api: Api) -> None:
    for path in ("/healthz", "/readyz"):
        answer = api.client.head(path, headers=OPEN)
        assert (answer.status_code, answer.content) == (200, b"")
