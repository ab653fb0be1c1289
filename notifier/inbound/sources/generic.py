"""Webhooks of any other sender -> reports, by the JMESPath expressions that its `[[sources]]` names under `fields`.

The body is JSON or form fields; the query counts where there is no body.
"""

from collections.abc import Sequence

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.proposals.signal import Report
from notifier.inbound.sources.conditions import Condition, report_of
from notifier.inbound.sources.documents import document_of
from notifier.inbound.sources.expressions import Extraction, without_marks
from notifier.inbound.sources.requests import InboundRequest, ReadingRules

_UNLISTED = (
    "is not listed: a source of kind generic says in notifier.toml what its bodies mean, such as"
    ' [[sources]] name = "{name}", kind = "generic", fields = {{ key = "check.id", status = "check.state" }}'
)


def read_generic(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request by the expressions of its source.

    Raises:
        InvalidInputError: The source is not configured, the body is not readable, or an expression finds nothing that
            is needed.
    """
    if not rules.source.fields:
        raise InvalidInputError([FieldError("source", _UNLISTED.format(name=rules.source.name))])
    found = Extraction(rules.source.fields, without_marks(document_of(request)))
    return [report_of(condition_of(found, rules), request, rules)]


def condition_of(found: Extraction, rules: ReadingRules) -> Condition:
    """Return what the expressions of a source find.

    Raises:
        InvalidInputError: An expression finds nothing that is needed.
    """
    key, status = found.required("key"), found.required("status")
    names, severity = found.names("component"), found.text("severity")
    title = found.text("title")
    return Condition(
        key=key,
        is_firing=status.lower() not in rules.source.ended,
        labels={
            "key": key,
            "status": status,
            "title": title,
            "alertname": title,
            rules.source.component_label: ", ".join(names),
            "severity": severity,
            rules.source.severity_label: severity,
        },
        components=names,
        title=title,
        detail=found.text("detail"),
        link=found.text("link"),
        started_at=found.moment("started_at"),
    )
