"""The result of a check by `notifier doctor`."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was checked, the result, and how to fix a problem."""

    name: str
    state: Literal["ok", "warn", "bad"]
    message: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-serialisable dict."""
        return {"name": self.name, "state": self.state, "says": self.message, "mend": self.remedy}
