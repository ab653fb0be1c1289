"""The parsers of inbound webhooks, by the `{kind}` of `/v1/inbound/{kind}/{source}`."""

from collections.abc import Mapping

from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound.sources.alerts import read_alertmanager, read_grafana
from notifier.inbound.sources.better_stack import read_better_stack
from notifier.inbound.sources.cloud_events import read_cloudevents
from notifier.inbound.sources.generic import read_generic
from notifier.inbound.sources.requests import Parser
from notifier.inbound.sources.uptime_kuma import read_uptime_kuma

PARSERS: Mapping[SourceKind, Parser] = {
    SourceKind.ALERTMANAGER: read_alertmanager,
    SourceKind.GRAFANA: read_grafana,
    SourceKind.UPTIME_KUMA: read_uptime_kuma,
    SourceKind.BETTER_STACK: read_better_stack,
    SourceKind.CLOUDEVENTS: read_cloudevents,
    SourceKind.GENERIC: read_generic,
}
