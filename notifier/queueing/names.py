"""Names of queues and tasks: the protocol between producers and workers."""

from enum import StrEnum


class TaskName(StrEnum):
    """Tasks of the workers. The arguments are ids, in the order given."""

    ANNOUNCE = "notifier.announce"  # incident id: str
    PLAN = "notifier.plan"  # notification id: int
    PLAN_LOW_PRIORITY = "notifier.plan_unhurried"  # notification id: int
    ATTEMPT_BATCH = "notifier.attempt_batch"  # batch id: int
    SEND_TRANSACTIONAL_MAIL = "notifier.send_letters"  # no argument
    PROBE_ENDPOINT = "notifier.probe_endpoint"  # endpoint number: int
