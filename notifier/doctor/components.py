"""Leftovers of components that are no longer configured: reported by `notifier doctor` and at the start."""

from collections.abc import Iterator

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.domain.errors import UnavailableError
from notifier.observability import get_logger
from notifier.storage.notifications import removed_components

_log = get_logger(__name__)
_MOST_NAMED = 10


def check_components(notifier: ApiContainer) -> Iterator[Finding]:
    """Report open incidents, and count subscribers, that refer only to unknown components.

    Raises:
        UnavailableError: The database does not answer.
    """
    known = notifier.component_keys
    if not known:  # none configured: any key is allowed
        return
    with notifier.database.read() as connection:
        naming = removed_components.open_incidents(connection, known)
        subscribers, endpoints, lost = removed_components.listening_to_nothing(connection, known)
    for incident_id, keys in list(naming.items())[:_MOST_NAMED]:
        message = f"the open incident {incident_id} names {_listed(keys)}, which is not configured in [[components]]"
        remedy = "add the component again, or end the incident; until then its events may still name it"
        yield Finding(name="components", state="warn", message=message, remedy=remedy)
    if subscribers or endpoints:
        who = f"subscribers: {subscribers}, endpoints: {endpoints}"
        message = f"chose only {_listed(lost)}, not configured in [[components]], so they receive very little ({who})"
        remedy = "add the component again under its key, or change what they chose"
        yield Finding(name="listeners", state="warn", message=message, remedy=remedy)


def warn_of_vanished_components(notifier: ApiContainer) -> None:
    """Log the same findings at the start, unless the database is unavailable."""
    try:
        findings = list(check_components(notifier))
    except UnavailableError:
        return
    for finding in findings:
        _log.warning("removed_component_in_use", finding=finding.message, remedy=finding.remedy)


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return ", ".join(keys[:_MOST_NAMED]) + more
