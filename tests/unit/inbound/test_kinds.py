from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.kinds import PARSERS


def test_an_alertmanager_and_grafana_have_parsers() -> None:
    assert {SourceKind.ALERTMANAGER, SourceKind.GRAFANA} <= set(PARSERS)
