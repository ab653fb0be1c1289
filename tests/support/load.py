"""Audiences for benchmarks, written straight into the database: the import is not measured here."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any

from sqlalchemy import Connection

from notifier.bootstrap.api_container import ApiContainer
from notifier.channels.webhook_keys import new_secret
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, Impact, UpdateLevel
from notifier.storage import tables as t
from notifier.storage.database.types import to_micros
from notifier.storage.recipients import preferences

_SEED = 8025
_CHUNK = 10_000
_LOCALES = ("nl", "nl", "nl", "en", "en", "de", "fr")
_ZONES = ("Europe/Amsterdam", "Europe/Amsterdam", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York")
_SHOPS = ("Bloemenhuis", "Kaaswinkel", "Tea House", "Book Corner", "Teekontor", "Radhaus", "Maison du Thé", "Librairie")


def add_subscribers(
    notifier: ApiContainer, number: int, *, component: str = "storefront", prefix: str = "shop"
) -> None:
    """Add `number` merchants by e-mail: four languages, five time zones, 24 sets of preferences.

    All are notified of critical incidents and maintenance of `component`; their ids begin with
    `prefix`.
    """
    with notifier.database.write() as connection:
        wanted = preferences.ensure_many(connection, _choices(component))
    rows = _people(notifier, number, prefix, list(wanted.values()))
    while chunk := list(islice(rows, _CHUNK)):
        with notifier.database.write() as connection:
            _write(connection, chunk)


def _choices(component: str) -> list[Preferences]:
    components = (frozenset({component}), frozenset({component, "pos"}), frozenset({component, "backoffice"}))
    return [
        Preferences(components=some, min_impact=impact, updates=updates)
        for some, impact, updates in product(components, list(Impact)[:4], (UpdateLevel.ALL, UpdateLevel.MILESTONES))
    ]


_COLUMNS = (
    "external_id", "kind", "email", "address_key", "name", "locale", "timezone", "state", "preference_id",
    "legal_basis", "created_at", "updated_at",
)  # fmt: skip


def _people(notifier: ApiContainer, number: int, prefix: str, sets: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yield subscribers as rows of `_COLUMNS`, the same every time."""
    chance = random.Random(_SEED)
    now = to_micros(notifier.clock())
    keys = notifier.addresses
    keys.load()
    for place in range(number):
        external_id = f"{prefix}-{place}"
        email = f"owner.{external_id}@shop{place % 9973}.example"
        name = f"{chance.choice(_SHOPS)} {place}"
        locale, zone = chance.choice(_LOCALES), chance.choice(_ZONES)
        chosen = sets[place % len(sets)]
        key = keys.of(email)
        yield external_id, "merchant", email, key, name, locale, zone, "active", chosen, "import", now, now


def _write(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows in the driver's fastest way."""
    cursor = connection.connection.cursor()
    names = ", ".join(_COLUMNS)
    if connection.dialect.name == "postgresql":
        with cursor.copy(f"COPY subscriber ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" for _ in _COLUMNS)
        cursor.executemany(f"INSERT INTO subscriber ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own names
    cursor.close()


def hook_host(place: int) -> str:
    """Return the loopback address of an endpoint by its number, from 0."""
    return f"127.{1 + place // 62_500}.{place // 250 % 250}.{1 + place % 250}"


def add_endpoints(notifier: ApiContainer, number: int, port: int, *, hanging_every: int = 0) -> None:
    """Add `number` endpoints subscribed to `api`, each at its own loopback address.

    With `hanging_every`, every so many endpoints one never answers.
    """
    now = notifier.clock()
    with notifier.database.write() as connection:
        wanted = Preferences(channels=frozenset({Channel.WEBHOOK}), components=frozenset({"api"}))
        preference_id = preferences.ensure(connection, wanted)
        rows = [
            {
                "public_id": f"end_bench{place}",
                "url": f"http://{hook_host(place)}:{port}/{'hang' if _hangs(place, hanging_every) else 'hook'}",
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


def _hangs(place: int, every: int) -> bool:
    return every > 0 and place % every == every - 1
