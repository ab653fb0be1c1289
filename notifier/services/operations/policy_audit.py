"""Record policy changes in the audit trail, by the configuration at the start of a process."""

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
    """Stores the last policy and records changes."""

    database: Database
    clock: Clock

    def record(self, policy: Mapping[str, Any], actor: Actor) -> bool:
        """Record the policy if it differs from the last one; returns whether it does.

        Args:
            policy: JSON data without secrets, from `notifier.toml` and the defaults.
            actor: The starting process and its machine.
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
