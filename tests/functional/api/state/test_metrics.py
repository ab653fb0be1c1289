from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from notifier.api.state.metrics import LEDGER_SECONDS, RequestMetrics
from notifier.domain.errors import UnavailableError
from notifier.services.operations.metrics_snapshot import MetricsSnapshot
from tests.functional.api.api_client import Api, an_event, announced
from tests.functional.api.payloads import a_mail_event, as_batch

OPEN = {"Authorization": ""}


def metrics(api: Api) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = api.get("/metrics", headers=OPEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_count_what_was_done_and_what_is_there(api_anywhere: Api) -> None:
    announced(api_anywhere)
    api_anywhere.post("/v1/inbound/sendgrid/events", content=as_batch(a_mail_event(1, "bounce", type="blocked")))
    found = metrics(api_anywhere)
    assert found["notifier_database_up", ()] == 1
    assert found["notifier_incidents", (("status", "investigating"),)] == 1
    assert found["notifier_events_known", (("outcome", "accepted"),)] == 1
    assert found["notifier_notifications", (("channel", "email"), ("state", "planned"))] == 1
    assert found["notifier_provider_events_total", (("kind", "blocked"),)] == 1
    assert found["notifier_events_total", (("outcome", "accepted"), ("source", "api"))] == 1
    labels = (("method", "POST"), ("route", "/v1/subscribers"), ("status", "201"))
    assert found["notifier_http_requests_total", labels] == 3


def test_no_caller_can_make_labels_up(api: Api) -> None:
    for path in ("/nowhere/1", "/nowhere/2", "/v1/incidents/a", "/v1/incidents/b"):
        api.get(path)
    api.client.request("BREW", "/healthz")
    routes = {dict(labels)["route"] for name, labels in metrics(api) if name == "notifier_http_requests_total"}
    assert routes == {"unmatched", "/v1/incidents/{incident_id}", "/healthz"}


def test_a_scrape_reads_the_ledger_every_few_seconds_at_most(api: Api) -> None:
    now = 0.0
    api.rewire(replace(api.runtime, request_metrics=RequestMetrics(api.container.metrics_snapshot.take, lambda: now)))
    metrics(api)
    api.post("/v1/events", json=an_event())
    assert ("notifier_incidents", (("status", "investigating"),)) not in metrics(api)
    now += LEDGER_SECONDS
    assert metrics(api)["notifier_incidents", (("status", "investigating"),)] == 1


def test_metrics_go_on_without_the_database(api: Api) -> None:
    def away() -> MetricsSnapshot:
        raise UnavailableError("database: gone")

    api.rewire(replace(api.runtime, request_metrics=RequestMetrics(away)))
    found = metrics(api)
    assert found["notifier_database_up", ()] == 0
    assert not any(name == "notifier_incidents" for name, _ in found)
