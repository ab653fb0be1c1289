"""How fast a provider may be called, as a value: what its rate headers leave, and until when it is left alone."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

NO_WAIT = timedelta(0)
# No provider's window is longer; a header from a broken clock must not silence a channel.
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What is known of one provider's rate. Instants are aware UTC."""

    left: int | None = None  # calls until `resets_at`, by the provider's own count less ours since
    resets_at: datetime | None = None
    blocked_until: datetime | None = None

    def take(self, now: datetime) -> tuple["RateLimit", timedelta]:
        """Take one call; returns how long to wait instead where none may be made now."""
        if self.blocked_until is not None and self.blocked_until > now:
            return self, self.blocked_until - now
        if self.left is None or self.resets_at is None or self.resets_at <= now:
            return RateLimit(), NO_WAIT
        if self.left <= 0:
            return self, self.resets_at - now
        return replace(self, left=self.left - 1), NO_WAIT

    def noted(self, left: int | None, resets_at: datetime | None, now: datetime) -> "RateLimit":
        """Take in what an answer said is left.

        Answers overtake each other: of one window the lowest number counts, and an older window says nothing.
        """
        if left is None or resets_at is None or not now < resets_at <= now + _LONGEST:
            return self
        if self.resets_at is None or self.left is None or resets_at > self.resets_at:
            return replace(self, left=left, resets_at=resets_at)
        return replace(self, left=min(left, self.left)) if resets_at == self.resets_at else self

    def blocked(self, until: datetime, now: datetime) -> "RateLimit":
        """Leave the provider alone until then; never shorter than before, at most a day."""
        until = min(until, now + _LONGEST)
        return replace(self, blocked_until=until if self.blocked_until is None else max(until, self.blocked_until))

    def matters_until(self) -> datetime | None:
        """When nothing of this is worth knowing any more; None where that is so already."""
        return max((instant for instant in (self.resets_at, self.blocked_until) if instant is not None), default=None)
