from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.sources.kinds import PARSERS


def test_every_kind_but_a_statuspage_has_a_parser_here() -> None:
    assert set(PARSERS) == set(SourceKind) - {SourceKind.STATUSPAGE}
