from dataclasses import replace
from typing import Any

from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.sources.conditions import Condition, report_of
from notifier.inbound.sources.requests import InboundRequest
from tests.unit.inbound.sources.readings import NOW, rules_of


def report(*, publish_texts: bool = False, **said: Any) -> Report:
    condition = replace(Condition(key="k", is_firing=True), **said)
    rules = rules_of(SourceKind.GENERIC, publish_texts=publish_texts)
    return report_of(condition, InboundRequest(body=b"", received_at=NOW), rules)


def test_the_words_of_a_source_are_for_operators_unless_its_rules_publish_them() -> None:
    said: dict[str, Any] = {"title": "Pay fails", "detail": "see *log*"}
    assert report(**said).facts == {}
    published = report(publish_texts=True, **said).facts
    assert published == {"title": {"en": "Pay fails"}, "body": {"en": r"see \*log\*"}}


def test_what_is_only_recorded_neither_continues_nor_ends_what_fires() -> None:
    counts, ignored = report(), report(ignored="a test", is_firing=False)
    assert ignored.is_firing
    assert (ignored.group, ignored.alerts[0].key) != (counts.group, counts.alerts[0].key)


def test_a_link_that_is_none_is_left_out() -> None:
    links = [report(link=link).link for link in ("https://", "javascript:alert(1)", " https://a.example/ ", "http://[")]
    assert links == [None, None, "https://a.example/", None]
