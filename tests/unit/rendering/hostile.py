"""A notice whose every text is hostile."""

from dataclasses import replace

from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.incidents.notice import Notice
from tests.unit.rendering.samples import INCIDENT, a_notice, an_update


def a_hostile_notice(text: str) -> Notice:
    incident = replace(
        INCIDENT,
        title={"en": text},
        components=(AffectedComponent(key=text[:300]),),
        links=(text[:300], f"https://a.example.com/{text[:20]}", "javascript:alert(1)"),
    )
    return a_notice(an_update(1, body={"en": text}), an_update(2, body={"en": text}), incident=incident)
