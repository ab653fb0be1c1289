"""The current configuration, which a test may change while the sandbox runs."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

from notifier.sandbox.config import SandboxConfig


@dataclass(slots=True)
class Live:
    """The configuration that every simulator reads on each call."""

    config: SandboxConfig
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # set on stop; ends all waits

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.config.clock()

    async def pause(self, seconds: float) -> None:
        """Wait, at most until the server stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    def turn(self, section: str, **changes: object) -> None:
        """Change rules of one section (`sendgrid`, `recipients`, `x`, `mastodon`, `bluesky`)."""
        changed = replace(getattr(self.config, section), **changes)
        self.config = replace(self.config, **{section: changed})
