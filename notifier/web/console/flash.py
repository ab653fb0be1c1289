"""The console's message after an action, shown after the redirect that follows.

Sealed, so that no link can put words into the console's mouth. A message is valid for one session
and one incident, for a few minutes.
"""

from datetime import timedelta

import orjson

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import ConfigError
from notifier.services.security.secretbox import SecretBox
from notifier.web.console.session import Session

_LASTS = timedelta(minutes=5)


class Flash:
    """Seals and reads messages."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the container; opens nothing."""
        self._box = SecretBox(container.secret_keys, "console flash")
        self._clock = container.clock

    def seal(self, session: Session, incident_id: str, words: str) -> str:
        """Return the sealed message, for a URL's query."""
        until = (self._clock() + _LASTS).timestamp()
        return self._box.seal(orjson.dumps([until, session.csrf_token, incident_id, words]).decode())

    def read(self, session: Session, incident_id: str, sealed: str) -> str:
        """Return the message if just sealed for this session and incident; else empty."""
        try:
            until, token, about, words = orjson.loads(self._box.open(sealed))
        except ConfigError:  # not sealed by us
            return ""
        fresh = self._clock().timestamp() < until
        return str(words) if fresh and (token, about) == (session.csrf_token, incident_id) else ""
