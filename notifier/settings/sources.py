"""Sources of events and drafts.

`[[sources]]`, `[[upstreams]]`, `[[templates]]`, `[drafts]`, `[maintenance]`, `[team]`.
"""

from datetime import timedelta
from typing import Annotated

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field, Strict

from notifier.domain.incidents.automation import AutomationRules
from notifier.domain.proposals.page_languages import marked_languages
from notifier.domain.proposals.source_rules import (
    DraftRules,
    SourceKind,
    SourceMode,
    SourceRules,
    UpstreamMode,
    UpstreamRules,
)
from notifier.domain.proposals.template import Template, placeholder_fault
from notifier.domain.values import Impact, Status
from notifier.settings.checks import http_url, mailbox
from notifier.settings.section import Key, LocaleTag, Localized, Seconds, Section, StatusName, Text

# Typical labels of a dead man's switch, a test button and an alert without severity.
IGNORED_BY_DEFAULT = ({"alertname": "Watchdog"}, {"alertname": "TestAlert"}, {"severity": "none"})
IMPACT_BY_DEFAULT = {"critical": Impact.MAJOR, "warning": Impact.MINOR, "info": Impact.NONE, "none": Impact.NONE}
ENDED_BY_DEFAULT = ("resolved", "ok", "up", "closed", "recovered", "ended")
# What the expressions of the kinds `generic` and `cloudevents` can extract, named like their keys under `fields`.
GENERIC_FIELDS = ("key", "status", "component", "severity", "title", "detail", "started_at", "link")
LEAST_GENERIC = ("key", "status")


def _matcher(labels: dict[str, str]) -> dict[str, str]:
    if not labels:
        raise ValueError('must name at least one label, such as { alertname = "Watchdog" }')
    return labels


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError:
        raise ValueError("is not a JMESPath expression; see https://jmespath.org") from None
    return text


def _localized_with_placeholders(texts: dict[str, str]) -> dict[str, str]:
    for locale, text in texts.items():
        if fault := placeholder_fault(text):
            raise ValueError(f"{locale}: {fault}")
    return texts


def _languages(written: list[str]) -> list[str]:
    marked_languages(written)
    return written


def _team_url(text: str) -> str:
    return http_url(text) if text else text


ImpactName = Annotated[Impact, Strict(strict=False)]
SourceName = Annotated[Key, Field(max_length=64)]
Matcher = Annotated[dict[str, Annotated[str, Field(min_length=1)]], AfterValidator(_matcher)]
PreparedText = Annotated[Localized, AfterValidator(_localized_with_placeholders)]
Body = Annotated[
    dict[LocaleTag, Annotated[str, Field(min_length=1, max_length=20_000)]],
    Field(min_length=1),
    AfterValidator(_localized_with_placeholders),
]
PollSeconds = Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)]


class SourceSection(Section):
    """One of `[[sources]]`."""

    name: SourceName
    kind: Annotated[SourceKind, Strict(strict=False)]
    mode: Annotated[SourceMode, Strict(strict=False)] = SourceMode.DRAFT
    component_label: Text = "component"
    severity_label: Text = "severity"
    ignore: list[Matcher] = Field(default_factory=lambda: [dict(labels) for labels in IGNORED_BY_DEFAULT])
    impact: dict[str, ImpactName] = Field(default_factory=dict)
    default_impact: ImpactName = Impact.MINOR
    components: dict[str, Key] = Field(default_factory=dict)
    template: str | None = None
    publish_texts: bool = False
    locale: LocaleTag | None = None
    languages: Annotated[list[Text], AfterValidator(_languages)] = Field(default_factory=list)
    fields: dict[str, Annotated[str, AfterValidator(_expression)]] = Field(default_factory=dict)
    ended: list[Text] = Field(default_factory=lambda: list(ENDED_BY_DEFAULT))
    url: Annotated[str, AfterValidator(http_url)] | None = None
    every: PollSeconds = 60

    def rules(self) -> SourceRules:
        """Return the domain's value."""
        return SourceRules(
            name=self.name,
            kind=self.kind,
            mode=self.mode,
            component_label=self.component_label,
            severity_label=self.severity_label,
            ignore=tuple(self.ignore),
            impact=IMPACT_BY_DEFAULT | {name.lower(): impact for name, impact in self.impact.items()},
            default_impact=self.default_impact,
            components=self.components,
            template=self.template,
            publish_texts=self.publish_texts,
            locale=self.locale,
            languages=tuple(self.languages),
            fields=self.fields,
            ended=frozenset(word.lower() for word in self.ended),
            url=self.url,
            every=timedelta(seconds=self.every),
        )


def default_source_rules(kind: SourceKind, name: str) -> SourceRules:
    """Return the rules of an unconfigured source; one of kind `generic` then extracts nothing."""
    return SourceSection.model_construct(name=name, kind=kind).rules()


class UpstreamSection(Section):
    """One of `[[upstreams]]`."""

    name: SourceName
    url: Annotated[str, AfterValidator(http_url)]
    every: PollSeconds = 60
    min_impact: ImpactName = Impact.MINOR
    components: dict[str, list[Key]] = Field(default_factory=dict)
    mode: Annotated[UpstreamMode, Strict(strict=False)] = UpstreamMode.DRAFT
    template: str | None = None

    def rules(self) -> UpstreamRules:
        """Return the domain's value."""
        return UpstreamRules(
            name=self.name,
            url=self.url,
            every=timedelta(seconds=self.every),
            min_impact=self.min_impact,
            components={name: tuple(keys) for name, keys in self.components.items()},
            mode=self.mode,
            template=self.template,
        )


class TemplateSection(Section):
    """One of `[[templates]]`: prepared texts, reviewed in git."""

    name: SourceName
    title: PreparedText
    body: Body
    status: StatusName = Status.INVESTIGATING
    impact: ImpactName | None = None
    components: list[Key] = Field(default_factory=list)

    def template(self) -> Template:
        """Return the domain's value."""
        return Template(
            id=self.name,
            name=self.name,
            title=self.title,
            body=self.body,
            status=self.status,
            impact=self.impact,
            components=tuple(self.components),
            is_configured=True,
        )


class DraftsSection(Section):
    """`[drafts]`, in seconds; 0 means never."""

    remind_after: Seconds
    expire_after: Seconds
    merge_within: Seconds

    def rules(self) -> DraftRules:
        """Return the domain's value."""
        return DraftRules(
            remind_after=timedelta(seconds=self.remind_after) if self.remind_after else None,
            expire_after=timedelta(seconds=self.expire_after) if self.expire_after else None,
            merge_within=timedelta(seconds=self.merge_within),
        )


class MaintenanceSection(Section):
    """`[maintenance]`: automation of planned work; `remind` is in seconds before the window."""

    remind: list[Annotated[float, Field(gt=0, le=90 * 86_400, allow_inf_nan=False)]]
    start: bool
    complete: bool

    def rules(self) -> AutomationRules:
        """Return the domain's value."""
        remind = tuple(timedelta(seconds=seconds) for seconds in self.remind)
        return AutomationRules(remind=remind, start=self.start, complete=self.complete)


class TeamSection(Section):
    """`[team]`: where operators get reminders."""

    email: list[Annotated[str, AfterValidator(mailbox)]]
    webhook: Annotated[str, AfterValidator(_team_url)]
