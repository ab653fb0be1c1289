"""The preferences page: a form without JavaScript, opened and saved by the signed link in a mail.

The link is the authority and no cookie exists, so nobody else's page can post in a reader's name.
"""

from urllib.parse import parse_qs

from notifier.bootstrap.application import Application
from notifier.domain.subscriber import Subscriber
from notifier.domain.values import Impact, Wanted
from notifier.services.audit import Actor
from notifier.services.own_preferences import OwnPreferences

_MOST_FIELDS = 300
_IMPACTS = tuple(impact.value for impact in Impact if impact is not Impact.MAINTENANCE)


class PreferencesPage:
    """Renders and saves."""

    def __init__(self, application: Application) -> None:
        """Take the application; reads nothing yet."""
        self._application = application
        self._own = OwnPreferences(application.database, application.subscribers)

    def show(self, subscriber_id: int, action: str) -> str:
        """Return the form.

        Raises:
            NotFoundError: the subscriber was erased.
        """
        return self._page(self._own.show(subscriber_id), action, saved=False)

    def save(self, subscriber_id: int, action: str, body: bytes, actor: Actor) -> str:
        """Save an urlencoded form and return the page that says so.

        Raises:
            NotFoundError: the subscriber was erased.
            InvalidInputError: the form holds what it does not offer.
        """
        fields = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=_MOST_FIELDS)
        preferences: dict[str, object] = {
            "components": fields.get("components", []),
            "maintenance": bool(fields.get("maintenance")),
        }
        for name in ("min_impact", "updates"):
            if name in fields:
                preferences[name] = fields[name][-1]
        return self._page(self._own.change(subscriber_id, preferences, actor), action, saved=True)

    def _page(self, subscriber: Subscriber, action: str, *, saved: bool) -> str:
        chosen = subscriber.preferences
        context = {
            "action": action,
            "saved": saved,
            "parts": [
                {"key": part.key, "name": part.name, "chosen": part.key in chosen.components}
                for part in self._application.settings.components()
            ],
            "impacts": _IMPACTS,
            "min_impact": chosen.min_impact.value,
            "wanted": [wanted.value for wanted in Wanted],
            "updates": chosen.updates.value,
            "maintenance": chosen.maintenance,
        }
        return self._application.renderer.page("preferences", subscriber.locale, context)
