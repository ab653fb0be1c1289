"""What a check of `notifier doctor` found."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what it looked at, how it is, and how to mend it when it is not well."""

    name: str
    state: Literal["ok", "warn", "bad"]
    says: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"name": self.name, "state": self.state, "says": self.says, "mend": self.mend}
