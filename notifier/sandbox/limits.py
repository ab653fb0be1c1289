"""Counting requests against a provider's rate: fixed windows and a rolling second."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Window:
    """A window that opens with its first request and forgets all when it ends, as X and Mastodon count. Seconds."""

    limit: int
    seconds: float
    started: float = 0.0
    used: int = 0

    def look(self, now: float) -> "Window":
        """Start afresh when the window has ended. Returns itself."""
        if now >= self.started + self.seconds or self.used == 0:
            self.started, self.used = now, 0
        return self

    def take(self, now: float, cost: int = 1) -> bool:
        """Count one request; False when the window has no room for it."""
        self.look(now)
        if self.used + cost > self.limit:
            return False
        self.used += cost
        return True

    @property
    def remaining(self) -> int:
        """How many requests the window still takes."""
        return max(self.limit - self.used, 0)

    @property
    def reset(self) -> int:
        """When the window ends: Unix seconds, rounded up."""
        return ceil(self.started + self.seconds)


@dataclass(slots=True)
class RollingSecond:
    """The requests of the last second."""

    taken: deque[float] = field(default_factory=deque)

    def take(self, now: float, limit: int) -> bool:
        """Count one request; False when the last second already held `limit`."""
        while self.taken and self.taken[0] <= now - 1.0:
            self.taken.popleft()
        if len(self.taken) >= limit:
            return False
        self.taken.append(now)
        return True

    def headers(self, now: float, limit: int) -> dict[str, str]:
        """Return SendGrid's three rate headers (reset in Unix seconds)."""
        reset = ceil((self.taken[0] if self.taken else now) + 1.0)
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - len(self.taken), 0)),
            "X-RateLimit-Reset": str(reset),
        }
