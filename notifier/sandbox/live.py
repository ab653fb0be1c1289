"""The configuration as it stands now: a test may turn a switch while the sandbox runs."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

from notifier.sandbox.config import SandboxConfig


@dataclass(slots=True)
class Live:
    """Holds the configuration every stand-in looks at on each call."""

    config: SandboxConfig
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # set when the server stops: whoever waits goes on

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.config.clock()

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the sandbox."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    def turn(self, section: str, **changes: object) -> None:
        """Change switches of one section (`sendgrid`, `recipients`, `x`, `mastodon`, `bluesky`)."""
        changed = replace(getattr(self.config, section), **changes)
        self.config = replace(self.config, **{section: changed})
