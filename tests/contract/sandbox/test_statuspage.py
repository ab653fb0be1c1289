"""The stand-in for another provider's status page: what is put up is listed, as Statuspage lists it."""

from notifier.sandbox.statuspage.api import StatusPage
from tests.sandbox_server import RunningSandbox

PATH = "/statuspage/cloudflare"


def test_a_page_lists_what_is_unresolved_and_what_was(sandbox: RunningSandbox) -> None:
    assert sandbox.call("GET", f"{PATH}/api/v2/incidents.json").status == 404
    incidents = [{"id": "b", "status": "investigating"}, {"id": "a", "status": "resolved"}]
    sandbox.state.status_pages.put_up("cloudflare", StatusPage("Cloudflare", incidents))
    unresolved = sandbox.get(f"{PATH}/api/v2/incidents/unresolved.json")
    assert [one["id"] for one in unresolved["incidents"]] == ["b"]
    assert unresolved["page"]["name"] == "Cloudflare"
    recent = sandbox.get(f"{PATH}/api/v2/incidents.json")
    assert [one["id"] for one in recent["incidents"]] == ["b", "a"]
    assert sandbox.get(f"{PATH}/incidents/a") == incidents[1]
    assert sandbox.call("GET", f"{PATH}/incidents/c").status == 404
