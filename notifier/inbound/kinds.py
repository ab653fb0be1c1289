"""The parsers of inbound webhooks, by the `{kind}` of `/v1/inbound/{kind}/{source}`."""

from collections.abc import Mapping

from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.requests import Parser
from notifier.inbound.sources.alerts import read_alertmanager, read_grafana

PARSERS: Mapping[SourceKind, Parser] = {
    SourceKind.ALERTMANAGER: read_alertmanager,
    SourceKind.GRAFANA: read_grafana,
}
