"""Own preferences: what a subscriber changes by the link in their mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from notifier.domain.errors import NotFoundError
from notifier.domain.subscriber import Subscriber
from notifier.services.audit import Actor
from notifier.services.subscribers import Subscribers
from notifier.storage import subscribers as rows
from notifier.storage.engine import Database


@dataclass(frozen=True)
class OwnPreferences:
    """Shows and changes the preferences of the subscriber a token names."""

    database: Database
    subscribers: Subscribers

    def show(self, subscriber_id: int) -> Subscriber:
        """Return the subscriber.

        Raises:
            NotFoundError: erased meanwhile.
        """
        with self.database.read() as connection:
            stored = rows.get_by_id(connection, subscriber_id)
        if stored is None:
            raise NotFoundError("subscriber", str(subscriber_id))
        return stored.subscriber

    def change(self, subscriber_id: int, patch: Mapping[str, Any], actor: Actor) -> Subscriber:
        """Change what is named and keep the rest (a patch as the API takes it); audited like any other change.

        Raises:
            NotFoundError: erased meanwhile.
            InvalidInputError: names every field at fault.
        """
        external_id = self.show(subscriber_id).external_id
        self.subscribers.patch(external_id, orjson.dumps(dict(patch)), actor)
        return self.show(subscriber_id)
