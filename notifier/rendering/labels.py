"""Labels of statuses, impacts and component statuses, and the colour of each message kind."""

from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.incidents.notice import MessageKind
from notifier.domain.values import ComponentStatus, Impact, Status


def N_(message: str) -> str:  # noqa: N802 - the name by which extractors know a message that is translated later
    """Mark a message for translation."""
    return message


STATUS = {
    Status.INVESTIGATING: N_("Investigating"),
    Status.IDENTIFIED: N_("Identified"),
    Status.MONITORING: N_("Monitoring"),
    Status.RESOLVED: N_("Resolved"),
    Status.POSTMORTEM: N_("Postmortem"),
    # i18n: the following five say how far planned maintenance is
    Status.SCHEDULED: N_("Scheduled"),
    Status.IN_PROGRESS: N_("In progress"),
    Status.VERIFYING: N_("Verifying"),
    Status.COMPLETED: N_("Completed"),
    Status.CANCELED: N_("Cancelled"),
}
IMPACT = {
    Impact.MINOR: N_("Minor impact"),
    Impact.MAJOR: N_("Major impact"),
    Impact.CRITICAL: N_("Critical impact"),
    Impact.MAINTENANCE: N_("Planned maintenance"),
}
COMPONENT_STATUS = {
    ComponentStatus.OPERATIONAL: N_("Operational"),
    ComponentStatus.DEGRADED_PERFORMANCE: N_("Degraded performance"),
    ComponentStatus.PARTIAL_OUTAGE: N_("Partial outage"),
    ComponentStatus.MAJOR_OUTAGE: N_("Major outage"),
    ComponentStatus.UNDER_MAINTENANCE: N_("Under maintenance"),
}
MOOD = {
    MessageKind.OPENED: "trouble",
    MessageKind.UPDATED: "news",
    MessageKind.RESOLVED: "solved",
    MessageKind.POSTMORTEM: "review",
    MessageKind.MAINTENANCE_SCHEDULED: "planned",
    MessageKind.MAINTENANCE_MOVED: "planned",
    MessageKind.MAINTENANCE_REMINDER: "planned",
    MessageKind.MAINTENANCE_STARTED: "planned",
    MessageKind.MAINTENANCE_UPDATED: "planned",
    MessageKind.MAINTENANCE_COMPLETED: "solved",
    MessageKind.MAINTENANCE_CANCELED: "review",
}
# i18n: stands for the status of planned maintenance where its time was changed
MOVED = N_("Moved")


def component_word(component: AffectedComponent) -> str:
    """The English label of a component's status; empty if the producer gave none."""
    return COMPONENT_STATUS[component.status] if component.status else ""
