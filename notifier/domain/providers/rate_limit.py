"""A provider's rate limit as a value: calls left by its headers, and until when it is blocked."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

NO_WAIT = timedelta(0)
# No provider's window is longer; a header from a broken clock must not block a channel.
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Known rate limit of one provider. Times are aware UTC."""

    left: int | None = None  # calls until `resets_at`: the provider's count less ours since
    resets_at: datetime | None = None
    blocked_until: datetime | None = None

    def take(self, now: datetime) -> tuple["RateLimit", timedelta]:
        """Take one call. Return the new state, and how long to wait if none is allowed now."""
        if self.blocked_until is not None and self.blocked_until > now:
            return self, self.blocked_until - now
        if self.left is None or self.resets_at is None or self.resets_at <= now:
            return RateLimit(), NO_WAIT
        if self.left <= 0:
            return self, self.resets_at - now
        return replace(self, left=self.left - 1), NO_WAIT

    def noted(self, left: int | None, resets_at: datetime | None, now: datetime) -> "RateLimit":
        """Record the remaining calls reported by a response.

        Responses can overtake each other: within a window the lowest number counts; older windows
        are ignored.
        """
        if left is None or resets_at is None or not now < resets_at <= now + _LONGEST:
            return self
        if self.resets_at is None or self.left is None or resets_at > self.resets_at:
            return replace(self, left=left, resets_at=resets_at)
        return replace(self, left=min(left, self.left)) if resets_at == self.resets_at else self

    def blocked(self, until: datetime, now: datetime) -> "RateLimit":
        """Block calls until then; never earlier than before, at most a day."""
        until = min(until, now + _LONGEST)
        return replace(self, blocked_until=until if self.blocked_until is None else max(until, self.blocked_until))

    def matters_until(self) -> datetime | None:
        """When this state becomes irrelevant; None if it already is."""
        return max((instant for instant in (self.resets_at, self.blocked_until) if instant is not None), default=None)
