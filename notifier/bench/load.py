"""Who is told in a benchmark: written straight into the ledger, since the import is not what is measured here."""

import random
from collections.abc import Iterator

from notifier.bootstrap.application import Application
from notifier.domain.audience import Preferences
from notifier.domain.values import Channel
from notifier.services.endpoint_secrets import new_secret
from notifier.storage import preferences
from notifier.storage import tables as t

_SEED = 8025
_CHUNK = 10_000
_LOCALES = ("nl", "nl", "nl", "en", "en", "de", "fr")
_ZONES = ("Europe/Amsterdam", "Europe/Amsterdam", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York")


def add_subscribers(notifier: Application, number: int) -> None:
    """Add `number` merchants who listen to `storefront` by e-mail, in four languages and five time zones."""
    chance = random.Random(_SEED)  # noqa: S311 - the same people every time
    now = notifier.clock()
    keys = notifier.addresses
    keys.load()
    with notifier.database.write() as connection:
        wanted = Preferences(components=frozenset({"storefront"}))
        preference_id = preferences.ensure(connection, wanted)

    def rows() -> Iterator[dict[str, object]]:
        for place in range(number):
            email = f"owner{place}@shop{place % 9973}.example"
            yield {
                "external_id": f"shop-{place}",
                "kind": "merchant",
                "email": email,
                "address_key": keys.of(email),
                "name": f"Shop {place}",
                "locale": chance.choice(_LOCALES),
                "timezone": chance.choice(_ZONES),
                "state": "active",
                "preference_id": preference_id,
                "legal_basis": "import",
                "created_at": now,
                "updated_at": now,
            }

    chunk: list[dict[str, object]] = []
    for row in rows():
        chunk.append(row)
        if len(chunk) == _CHUNK:
            _write(notifier, chunk)
            chunk = []
    _write(notifier, chunk)


def _write(notifier: Application, chunk: list[dict[str, object]]) -> None:
    if chunk:
        with notifier.database.write() as connection:
            connection.execute(t.subscriber.insert(), chunk)


def add_endpoints(notifier: Application, number: int, port: int) -> None:
    """Add `number` endpoints that listen to `api`, each at a loopback address of its own."""
    now = notifier.clock()
    with notifier.database.write() as connection:
        wanted = Preferences(channels=frozenset({Channel.WEBHOOK}), components=frozenset({"api"}))
        preference_id = preferences.ensure(connection, wanted)
        rows = [
            {
                "public_id": f"end_bench{place}",
                "url": f"http://127.{1 + place // 62_500}.{place // 250 % 250}.{1 + place % 250}:{port}/hook",
                "description": "",
                "preference_id": preference_id,
                "types": [],
                "format": "standard",
                "mode": "every",
                "headers": {},
                "secrets": notifier.endpoint_secrets.first(new_secret()),
                "state": "active",
                "state_reason": "",
                "created_at": now,
                "updated_at": now,
            }
            for place in range(number)
        ]
        for start in range(0, number, _CHUNK):
            connection.execute(t.endpoint.insert(), rows[start : start + _CHUNK])
