"""The policy in the audit trail: what the configuration says at the start of a process, wherever it changed since."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, difference, record
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation

_KEY = "policy"


@dataclass(frozen=True)
class PolicyAudit:
    """Keeps the last policy that was seen, and records what differs from it."""

    database: Database
    clock: Clock

    def record(self, policy: Mapping[str, Any], actor: Actor) -> bool:
        """Record the policy if it is not the one that was last in force; returns whether it changed.

        Args:
            policy: JSON data without secrets: what `notifier.toml` and the defaults say.
            actor: The process that starts under it, and its machine.
        """
        text = orjson.dumps(policy, option=orjson.OPT_SORT_KEYS)
        with self.database.write() as connection:
            known = installation.get(connection, _KEY)
            if known == text:
                return False
            changes = difference(orjson.loads(known) if known else {}, orjson.loads(text), hidden=frozenset())
            action = "policy.changed" if known else "policy.set"
            record(connection, actor, action, Subject(_KEY, "configuration"), at=self.clock(), detail=changes)
            installation.put(connection, _KEY, text)
        return True
