"""Two people at the console at once: nobody contradicts a colleague unread, and no typed word is lost."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.services.events.blast_guard import BlastGuard
from tests.functional.api.api_client import publish
from tests.functional.web.console.resolving import PREVIEW, SEND, resolves
from tests.functional.web.console_client import a_draft, flash_message, hidden, notices
from tests.functional.web.forms import Forms, send

COMPOSE = f"/console/compose?incident={story.INCIDENT_ID}"


def bodies(container: ApiContainer, incident_id: str) -> list[str]:
    return [update["body"]["en"] for update in container.history.incident(incident_id)["updates"]]


@pytest.mark.parametrize("step", ["preview", "send"])
def test_an_outdated_form_is_not_sent_but_shows_what_changed_and_keeps_every_word(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str, step: str
) -> None:
    ann, ben = desks
    typed = a_draft(ben, f"?incident={incident}") | {"body.en": "Still searching.", "links": "https://example.org/"}
    looked = ben.post(PREVIEW, data=typed) if step == "send" else None
    resolves(ann)
    answer = ben.post(PREVIEW, data=typed) if looked is None else send(ben, looked, SEND)
    assert answer.status_code == 409
    assert bodies(container, incident)[1:] == ["It works again."]
    (notice,) = notices(answer.text)
    assert "Nothing was sent" in notice
    author = container.history.incident(incident)["updates"][-1]["author"]
    assert "ann" in author
    for shown in ("It works again.", "Resolved", author, "The incident is now: resolved"):
        assert shown in notice
    kept: dict[str, Any] = {name: value[0] for name, value in Forms(answer.text).forms[PREVIEW].items()}
    for name, value in typed.items():
        if name not in ("after", "mark") and not name.startswith("was."):  # those are nobody's words
            assert kept[name] == value
    # Ben reads it and sends on top of it all the same.
    sent = send(ben, send(ben, answer, PREVIEW), SEND)
    assert flash_message(ben, sent).startswith("accepted")
    assert bodies(container, incident)[1:] == ["It works again.", "Still searching."]


def test_a_colleagues_edit_under_the_same_id_is_shown_before_anything_is_sent(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str
) -> None:
    ben = desks[1]
    typed = a_draft(ben, f"?incident={incident}") | {"body.en": "Still searching."}
    looked = ben.post(PREVIEW, data=typed)
    event = story.events()[0]
    event["id"] = "evt-edit"
    event["update"]["body"]["en"] = "In other words."
    publish(container, event)
    for answer in (ben.post(PREVIEW, data=typed), send(ben, looked, SEND)):
        assert answer.status_code == 409
        assert "In other words." in notices(answer.text)[0]
    assert bodies(container, incident) == ["In other words."]
    assert flash_message(ben, send(ben, send(ben, answer, PREVIEW), SEND)).startswith("accepted")


def test_a_form_that_was_overtaken_twice_is_shown_again(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str
) -> None:
    ann, ben = desks
    typed = a_draft(ben, f"?incident={incident}")
    resolves(ann)
    shown = ben.post(PREVIEW, data=typed)
    event = story.events()[1]
    event["update"] |= {"posted_at": container.clock().isoformat(), "body": {"en": "Third."}}
    publish(container, event)
    again = send(ben, shown, PREVIEW)
    assert again.status_code == 409
    assert "Third." in notices(again.text)[0]
    assert "It works again." not in notices(again.text)[0]
    assert send(ben, again, PREVIEW).status_code == 200


def test_a_form_without_the_mark_of_its_time_is_outdated(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str
) -> None:
    typed = a_draft(desks[0], f"?incident={incident}")
    for after in ("", "an-update-of-nobody"):
        for step in (PREVIEW, SEND):
            assert desks[0].post(step, data=typed | {"after": after}).status_code == 409
    assert len(bodies(container, incident)) == 1


def test_changed_words_in_a_form_that_was_sent_are_not_dropped_but_sent_as_the_next_update(
    container: ApiContainer, desks: tuple[TestClient, TestClient]
) -> None:
    ann, _ = desks
    typed = a_draft(ann)
    assert flash_message(ann, ann.post(SEND, data=typed)).startswith("accepted")
    incident = typed["incident_id"]
    # Back in the browser, another sentence.
    looked, sent = (ann.post(step, data=typed | {"body.en": "We found it."}) for step in (PREVIEW, SEND))
    for answer in (looked, sent):
        assert answer.status_code == 409
        (notice,) = notices(answer.text)
        assert "already sent with a different text" in notice
        assert "We are looking." in notice
        assert Forms(answer.text).forms[PREVIEW]["body.en"] == ["We found it."]
    looked = send(ann, sent, PREVIEW, **{"as": "next"})
    first, second = (send(ann, looked, SEND) for _ in range(2))
    assert flash_message(ann, first).startswith("accepted")
    assert flash_message(ann, second).startswith("duplicate")
    assert bodies(container, incident) == ["We are looking.", "We found it."]


def test_changed_words_in_a_form_that_was_sent_can_correct_what_was_sent(
    container: ApiContainer, desks: tuple[TestClient, TestClient]
) -> None:
    ann, ben = desks
    typed = a_draft(ann) | {"body.en": "We are loking."}
    ann.post(SEND, data=typed)
    shown = ann.post(SEND, data=typed | {"body.en": "We are looking."})
    sent = send(ann, send(ann, shown, PREVIEW, **{"as": "correction"}), SEND)
    assert "a text edit of update" in flash_message(ann, sent)
    assert bodies(container, typed["incident_id"]) == ["We are looking."]
    # A colleague has written meanwhile: that is told as well.
    next_one = a_draft(ben, f"?incident={typed['incident_id']}") | {"status": "identified", "body.en": "Found."}
    ben.post(SEND, data=next_one)
    shown = ann.post(SEND, data=typed | {"body.en": "Once more."})
    assert "Found." in notices(shown.text)[1]


def test_a_form_sent_twice_with_the_same_words_is_told_once_and_nobody_is_alarmed(
    container: ApiContainer, desks: tuple[TestClient, TestClient]
) -> None:
    typed = a_draft(desks[0])
    desks[0].post(SEND, data=typed)
    assert flash_message(desks[0], desks[0].post(SEND, data=typed)).startswith("duplicate")
    assert bodies(container, typed["incident_id"]) == ["We are looking."]


def test_what_was_held_is_not_released_by_a_page_that_has_not_seen_the_latest_update(
    container: ApiContainer, desks: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(container.__dict__, "guard", BlastGuard(BlastGuardPolicy(hold_above=0, needs_announce=True)))
    publish(container, story.events()[0])
    ann, ben = desks
    event = story.events()[1]
    event["update"] |= {"posted_at": container.clock().isoformat(), "body": {"en": "Found."}}
    publish(container, event, guarded=True)
    form = hidden(ben.get("/console").text)
    resolves(ann)
    for path in ("release", "cancel"):
        answer = ben.post(f"/console/{path}", data=form)
        assert "Nothing was done" in flash_message(ben, answer)
    assert container.history.held() != []
    fresh = hidden(ben.get("/console").text)
    assert "Nothing was done" not in flash_message(ben, ben.post("/console/release", data=fresh))


def test_the_timeline_says_who_wrote_and_the_public_page_never_does(
    container: ApiContainer, desks: tuple[TestClient, TestClient], incident: str
) -> None:
    resolves(desks[0])
    author = container.history.incident(incident)["updates"][-1]["author"]
    assert author in desks[1].get(f"/console/incident?id={incident}").text
    for path in (f"/en/incidents/{incident}", "/en/", "/en/feed.atom"):
        page = desks[1].get(path)
        assert page.status_code == 200
        for mark in (author, ":ann", "(ann)", "key_"):
            assert mark not in page.text
