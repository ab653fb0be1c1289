"""What sources, upstreams and templates get wrong is refused at the start, by its name in the file."""

from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.domain.proposals.source_rules import SourceKind, SourceMode
from notifier.domain.values import Impact
from notifier.settings import Settings, load_settings

_GENERIC = '[[sources]]\nname = "g"\nkind = "generic"\n'
_SOURCE = '[[sources]]\nname = "p"\nkind = "alertmanager"\n'
_UPSTREAM = '[[upstreams]]\nname = "cdn"\nurl = "https://status.example"\n'
_TEMPLATE = '[[templates]]\nname = "t"\ntitle = { en = "T" }\n'


def settings(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "notifier.toml").write_text(text)
    return load_settings({}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[sources]]\nname = "p"\nkind = "nagios"\n', "sources.0.kind"),
        (_SOURCE + 'mode = "shout"\n', "sources.0.mode"),
        (_SOURCE + "ignore = [{}]\n", "sources.0.ignore.0"),
        (_SOURCE + "ignore = [{ severity = 3 }]\n", "sources.0.ignore.0.severity"),
        (_SOURCE + 'impact = { page = "huge" }\n', "sources.0.impact.page"),
        (_SOURCE + 'components = { web = "shop-front" }\n', "sources.0.components"),
        (_SOURCE + 'template = "none"\n', "sources.0.template"),
        (_SOURCE + 'locale = "sv"\n', "sources.0.locale"),
        (_SOURCE + 'fields = { key = "id", status = "state" }\n', "sources.0.fields"),
        (_SOURCE + _SOURCE, "sources.1.name"),
        (_GENERIC + 'fields = { key = "id[", status = "state" }\n', "sources.0.fields.key"),
        (_GENERIC + 'fields = { key = "id" }\n', "sources.0.fields.status"),
        (_GENERIC + 'fields = { key = "id", status = "s", colour = "c" }\n', "sources.0.fields.colour"),
        (_UPSTREAM + 'components = { "CDN/Cache" = ["shop-front"] }\n', "upstreams.0.components.CDN/Cache"),
        (_UPSTREAM + "every = 0.5\n", "upstreams.0.every"),
        (_UPSTREAM + 'mode = "publish"\n', "upstreams.0.mode"),
        (_TEMPLATE + 'body = { en = "{customer}" }\n', "templates.0.body"),
        (_TEMPLATE + 'body = { sv = "x" }\n', "templates.0.body"),
        (_TEMPLATE + 'body = { en = "x" }\ncomponents = ["shop-front"]\n', "templates.0.components"),
        ('[team]\nemail = ["nobody"]\n', "team.email.0"),
        ("[maintenance]\nremind = [-1]\n", "maintenance.remind.0"),
    ],
)
def test_a_fault_is_refused_by_name(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, text)
    assert refused.value.field == key


def test_a_source_of_cloud_events_may_name_some_fields(tmp_path: Path) -> None:
    text = '[[sources]]\nname = "bus"\nkind = "cloudevents"\nfields = { status = "data.now" }\n'
    rules = settings(tmp_path, text).source_rules(SourceKind.CLOUDEVENTS, "bus")
    assert rules is not None
    assert rules.fields == {"status": "data.now"}


def test_a_source_that_is_not_listed_has_the_defaults(tmp_path: Path) -> None:
    rules = settings(tmp_path, "").source_rules(SourceKind.GRAFANA, "anything")
    assert rules is not None
    assert (rules.mode, rules.component_label) == (SourceMode.DRAFT, "component")
    assert rules.impact["critical"] is Impact.MAJOR
    assert {"alertname": "Watchdog"} in rules.ignore


def test_a_source_is_of_the_kind_it_is_configured_as(tmp_path: Path) -> None:
    configured = settings(tmp_path, _SOURCE + 'impact = { Page = "critical" }\n')
    assert configured.source_rules(SourceKind.GRAFANA, "p") is None
    rules = configured.source_rules(SourceKind.ALERTMANAGER, "p")
    assert rules is not None
    assert rules.impact["page"] is Impact.CRITICAL
    assert rules.impact["warning"] is Impact.MINOR
