"""The form of an update, sent by a person at the console."""

from starlette.testclient import TestClient

from notifier.demo import story
from tests.functional.web.console_client import a_draft, flash_message
from tests.functional.web.forms import send

PREVIEW, SEND = "/console/preview", "/console/send"


def resolves(desk: TestClient) -> None:
    """Open the form, say that it is over, look and send."""
    form = a_draft(desk, f"?incident={story.INCIDENT_ID}") | {"status": "resolved", "body.en": "It works again."}
    seen = desk.post(PREVIEW, data=form)
    assert flash_message(desk, send(desk, seen, SEND)).startswith("accepted")
