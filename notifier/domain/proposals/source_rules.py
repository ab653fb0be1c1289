"""The rules of a source: what it is, what its reports mean, and what becomes of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from notifier.domain.values import Impact

SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
SOURCE_NAME_FAULT = "must begin with a-z or 0-9, hold only a-z, 0-9, _ and -, and have 64 characters at most"


class SourceKind(StrEnum):
    """The format in which a source reports: the `{kind}` of `/v1/inbound/{kind}/{source}`."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    STATUSPAGE = "statuspage"
    UPTIME_KUMA = "uptime_kuma"
    BETTER_STACK = "better_stack"
    CLOUDEVENTS = "cloudevents"
    GENERIC = "generic"


class SourceMode(StrEnum):
    """What becomes of a report: a draft, an announcement (through the guard), or a record only."""

    DRAFT = "draft"
    PUBLISH = "publish"
    RECORD = "record"


class UpstreamMode(StrEnum):
    """What becomes of an upstream's incident: a draft, a link on an open incident of ours, or a record only."""

    DRAFT = "draft"
    LINK = "link"
    RECORD = "record"


Matcher = Mapping[str, str]
"""Label names and values; it matches a set of labels that contains all of them. Values compare in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """How reports of one source are read.

    `ignore`: matchers of what is only recorded. `impact`: severity label's value (lower case) to
    impact. `components`: their names (of label values, monitors, pages) to keys of ours, before our
    own keys and names are tried. `locale`: the language of its texts; None: the brand's default.
    `languages`: a body that holds two languages begins in the first and goes on in the next behind
    its mark, such as `("nl", "EN:")`. `fields`: JMESPath expressions of the kinds `generic` and
    `cloudevents`, by what they find; `ended`: the states (lower case) that end an alert of these. `url`, `every`: a
    Statuspage that is polled as well.
    """

    name: str
    kind: SourceKind
    mode: SourceMode = SourceMode.DRAFT
    component_label: str = "component"
    severity_label: str = "severity"
    ignore: tuple[Matcher, ...] = ()
    impact: Mapping[str, Impact] = field(default_factory=dict)
    default_impact: Impact = Impact.MINOR
    components: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    publish_texts: bool = False
    locale: str | None = None
    languages: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    url: str | None = None
    every: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRules:
    """How another provider's status page is watched.

    `components`: their names or ids to keys of ours; `*` stands for everything else, and an empty
    tuple concerns nobody.
    """

    name: str
    url: str
    every: timedelta
    min_impact: Impact
    components: Mapping[str, tuple[str, ...]]
    mode: UpstreamMode
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRules:
    """How long drafts and signals may take.

    `remind_after`, `expire_after`: how long an open draft may wait before the team is reminded, and
    before it expires; None: for ever. `merge_within`: signals on the same component that begin within
    this time share a proposal, and one that fires again within it continues (a flap).
    """

    remind_after: timedelta | None
    expire_after: timedelta | None
    merge_within: timedelta
