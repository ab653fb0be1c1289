"""What the console says of an act after the redirect that follows it.

Sealed, so that no link puts words into the console's mouth. A text is good for the session and the incident it was said
to, and for a few minutes.
"""

from datetime import timedelta

import orjson

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import ConfigError
from notifier.services.security.secretbox import SecretBox
from notifier.web.console.session import Session

_LASTS = timedelta(minutes=5)


class Flash:
    """Seals what is said, and reads it back."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the installation; opens nothing."""
        self._box = SecretBox(container.secret_keys, "console flash")
        self._clock = container.clock

    def seal(self, session: Session, incident_id: str, words: str) -> str:
        """Return the words for a query of a URL."""
        until = (self._clock() + _LASTS).timestamp()
        return self._box.seal(orjson.dumps([until, session.form_mark, incident_id, words]).decode())

    def read(self, session: Session, incident_id: str, sealed: str) -> str:
        """Return what was said to this session about this incident just now; empty for everything else."""
        try:
            until, mark, about, words = orjson.loads(self._box.open(sealed))
        except ConfigError:  # not sealed by us
            return ""
        fresh = self._clock().timestamp() < until
        return str(words) if fresh and (mark, about) == (session.form_mark, incident_id) else ""
