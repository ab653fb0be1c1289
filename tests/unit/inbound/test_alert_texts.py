from dataclasses import replace

from notifier.domain.incidents.alert_group import alert_event
from notifier.inbound.alert_texts import neutral_texts
from tests.unit.inbound.alert_groups import NOW, RULES, WORDING, an_alert, group


def test_words_are_neutral_unless_publishing_was_asked_for() -> None:
    told = {"summary": "db-7 *melts*", "description": "ask @joe\n# now"}
    quiet = group(an_alert(), commonAnnotations=told)
    assert (quiet.title, quiet.body) == (None, None)
    loud = group(an_alert(), rules=replace(RULES, publish_texts=True), commonAnnotations=told)
    event = alert_event(loud, WORDING, incident_id="i", now=NOW)
    assert event.incident.title == {"en": "db-7 *melts*"}
    assert event.update.body == {"en": "ask @joe\\\n\\# now"}


def test_neutral_words_exist_in_every_offered_language_that_has_them() -> None:
    assert neutral_texts(["nl", "xx"]).title.keys() == {"nl"}
    assert neutral_texts(["xx"]).title.keys() == {"en"}
