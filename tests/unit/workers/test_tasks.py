from notifier.queueing.names import TaskName
from workers.app import build_app
from workers.policy import TaskPolicy
from workers.tasks import register


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []

    def announce(self, incident_id: str) -> None:
        self.calls.append(("announce", incident_id))

    def plan(self, notification_id: int) -> None:
        self.calls.append(("plan", notification_id))

    def plan_low_priority(self, notification_id: int) -> None:
        self.calls.append(("plan unhurried", notification_id))

    def attempt(self, batch_id: int) -> None:
        self.calls.append(("attempt", batch_id))

    def send_transactional_mail(self) -> None:
        self.calls.append(("letters", None))

    def probe(self, endpoint_id: int) -> None:
        self.calls.append(("probe", endpoint_id))

    def drain(self) -> None:
        self.calls.append(("drain", None))

    def close(self) -> None:
        self.calls.append(("close", None))


def test_every_task_name_has_a_task_that_calls_one_use_case() -> None:
    app, runtime = build_app("redis://127.0.0.1:1", drain_seconds=5), Recorder()
    register(app, runtime, TaskPolicy())
    asked = [
        (TaskName.ANNOUNCE, "inc-1"),
        (TaskName.PLAN, 4),
        (TaskName.PLAN_LOW_PRIORITY, 5),
        (TaskName.ATTEMPT_BATCH, 6),
        (TaskName.PROBE_ENDPOINT, 7),
    ]
    for name, argument in asked:
        app.tasks[name.value](argument)
    app.tasks[TaskName.SEND_TRANSACTIONAL_MAIL.value]()
    assert runtime.calls == [
        ("announce", "inc-1"),
        ("plan", 4),
        ("plan unhurried", 5),
        ("attempt", 6),
        ("probe", 7),
        ("letters", None),
    ]
    assert {name for name in app.tasks if name.startswith("notifier.")} == {name.value for name in TaskName}
