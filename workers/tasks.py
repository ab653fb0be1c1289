"""The tasks. Each unpacks ids and calls one use case; its signature rejects invalid messages."""

from celery import Celery

from notifier.queueing.names import TaskName
from workers.policy import TaskPolicy
from workers.runtime import Runtime


def register(app: Celery, runtime: Runtime, policy: TaskPolicy) -> None:
    """Register the tasks with an app."""

    @app.task(name=TaskName.ANNOUNCE.value)
    def announce(incident_id: str) -> None:
        policy.run(TaskName.ANNOUNCE, lambda: runtime.announce(incident_id), incident_id=incident_id)

    @app.task(name=TaskName.PLAN.value)
    def plan(notification_id: int) -> None:
        policy.run(TaskName.PLAN, lambda: runtime.plan(notification_id), notification_id=notification_id)

    @app.task(name=TaskName.PLAN_LOW_PRIORITY.value)
    def plan_low_priority(notification_id: int) -> None:
        policy.run(
            TaskName.PLAN_LOW_PRIORITY,
            lambda: runtime.plan_low_priority(notification_id),
            notification_id=notification_id,
        )

    @app.task(name=TaskName.ATTEMPT_BATCH.value)
    def attempt_batch(batch_id: int) -> None:
        policy.run(TaskName.ATTEMPT_BATCH, lambda: runtime.attempt(batch_id), batch_id=batch_id)

    @app.task(name=TaskName.SEND_TRANSACTIONAL_MAIL.value)
    def send_transactional_mail() -> None:
        policy.run(TaskName.SEND_TRANSACTIONAL_MAIL, runtime.send_transactional_mail)

    @app.task(name=TaskName.PROBE_ENDPOINT.value)
    def probe_endpoint(endpoint_id: int) -> None:
        policy.run(TaskName.PROBE_ENDPOINT, lambda: runtime.probe(endpoint_id), endpoint_id=endpoint_id)
