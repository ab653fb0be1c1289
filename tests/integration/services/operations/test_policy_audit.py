"""The configuration in the audit trail: recorded when it is another than before, and only then."""

from notifier.services.operations.policy_audit import PolicyAudit
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import Clock, audit_of

PROCESS = Actor("process:api", "host-1")


def test_a_changed_policy_is_recorded_with_what_differs_and_from_where(database: Database) -> None:
    note = PolicyAudit(database, Clock())
    policy = {"coalesce": {"window": 60.0, "delay": 0.0}, "components": [{"key": "api"}]}
    assert note.record(policy, PROCESS)
    assert not note.record(policy, PROCESS)
    assert note.record(policy | {"coalesce": {"window": 120.0, "delay": 0.0}}, PROCESS)
    changed, first = audit_of(database).entries(limit=10, kind="policy")
    assert (first["action"], first["detail"]["components"]) == ("policy.set", [None, [{"key": "api"}]])
    assert (changed["action"], changed["actor"], changed["origin"]) == ("policy.changed", "process:api", "host-1")
    assert changed["detail"] == {"coalesce.window": [60.0, 120.0]}
