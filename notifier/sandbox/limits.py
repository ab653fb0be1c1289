"""Rate limits of the providers: fixed windows and a rolling second."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Window:
    """A fixed window that starts with its first request, as at X and Mastodon. Times in seconds."""

    limit: int
    seconds: float
    started: float = 0.0
    used: int = 0

    def look(self, now: float) -> "Window":
        """Reset the window if it has ended; return it."""
        if now >= self.started + self.seconds or self.used == 0:
            self.started, self.used = now, 0
        return self

    def take(self, now: float, cost: int = 1) -> bool:
        """Count a request of this cost; return False if the window has no room for it."""
        self.look(now)
        if self.used + cost > self.limit:
            return False
        self.used += cost
        return True

    @property
    def remaining(self) -> int:
        """The number of requests the window still allows."""
        return max(self.limit - self.used, 0)

    @property
    def reset(self) -> int:
        """The end of the window: Unix seconds, rounded up."""
        return ceil(self.started + self.seconds)


@dataclass(slots=True)
class RollingSecond:
    """The requests of the last second."""

    taken: deque[float] = field(default_factory=deque)

    def take(self, now: float, limit: int) -> bool:
        """Count one request; return False if the last second already had `limit` requests."""
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
