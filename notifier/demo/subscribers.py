"""Subscribers of the demo: merchants and partner endpoints, the same every time."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.domain.recipients.audience import AudienceContext, Exposure, IncidentScope, Preferences, is_notified
from notifier.domain.values import Channel, Impact, UpdateLevel

_SEED = 20220621
_LOCALES = (("nl", 60), ("en", 20), ("de", 12), ("fr", 8))
_ZONES = {
    "nl": ("Europe/Amsterdam",),
    "en": ("Europe/London", "Europe/Amsterdam", "America/New_York", "Australia/Sydney"),
    "de": ("Europe/Berlin", "Europe/Zurich"),
    "fr": ("Europe/Paris", "Europe/Brussels"),
}
_SHOPS = {
    "nl": ("Bloemenhuis", "Kaaswinkel", "Fietsenmaker", "Boekhandel", "Theeplantage"),
    "en": ("Tea House", "Book Corner", "Bike Works", "Flower Shop", "Toy Store"),
    "de": ("Blumenladen", "Teekontor", "Radhaus", "Buchhandlung", "Spielzeugkiste"),
    "fr": ("Fleuriste", "Librairie", "Maison du Thé", "Atelier Vélo", "Fromagerie"),
}
_COMPONENTS = ((), (), (), (), ("storefront", "checkout"), ("storefront",), ("api",), ("pos",), ("backoffice",))
COLUMNS = (
    "external_id",
    "kind",
    "email",
    "name",
    "locale",
    "timezone",
    "state",
    "channels",
    "components",
    "min_impact",
    "updates",
    "maintenance",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """One generated merchant."""

    external_id: str
    email: str
    name: str
    locale: str
    timezone: str
    preferences: Preferences

    def row(self) -> dict[str, str]:
        """Return the merchant as a CSV row for the import."""
        chosen = self.preferences
        return {
            "external_id": self.external_id,
            "kind": "merchant",
            "email": self.email,
            "name": self.name,
            "locale": self.locale,
            "timezone": self.timezone,
            "state": "active",
            "channels": ";".join(sorted(chosen.channels)),
            "components": ";".join(sorted(chosen.components)),
            "min_impact": chosen.min_impact.value,
            "updates": chosen.updates.value,
            "maintenance": "true",
        }


def merchants(number: int) -> list[Merchant]:
    """Return `number` merchants: four languages, several time zones and preferences."""
    chance = random.Random(_SEED)  # noqa: S311 - the same people every time
    locales = [locale for locale, share in _LOCALES for _ in range(share)]
    return [_merchant(chance, index, chance.choice(locales)) for index in range(1, number + 1)]


def _merchant(chance: random.Random, index: int, locale: str) -> Merchant:
    return Merchant(
        external_id=f"shop-{1000 + index}",
        email=f"owner{index}@shop{index}.example",
        name=f"{chance.choice(_SHOPS[locale])} {index}",
        locale=locale,
        timezone=chance.choice(_ZONES[locale]),
        preferences=Preferences(
            components=frozenset(chance.choice(_COMPONENTS)),
            min_impact=chance.choices(list(Impact)[:4], (50, 30, 15, 5))[0],
            updates=chance.choices(list(UpdateLevel), (70, 20, 10))[0],
        ),
    )


@dataclass(frozen=True, slots=True)
class Partner:
    """One generated endpoint: the receiver's name and behaviour."""

    name: str
    behaviour: Mapping[str, object]


def partners(number: int = 25) -> list[Partner]:
    """Return partners, of which some are slow and some fail at first."""
    slow: dict[str, object] = {"kind": "slow", "seconds": 1.5}
    failing: dict[str, object] = {"kind": "fail_first", "count": 1, "status": 503}
    return [
        Partner(f"partner-{index}", slow if index % 8 == 0 else failing if index % 6 == 0 else {"kind": "ok"})
        for index in range(1, number + 1)
    ]


def expected_mails(
    people: Sequence[Merchant], statuses: Sequence[str], impact: Impact, components: set[str]
) -> list[int]:
    """Return the number of mails expected per update, from the routing rule alone."""
    scope = IncidentScope(impact=impact, components=frozenset(components))
    notified: set[str] = set()
    expected = []
    for status in statuses:
        context = AudienceContext(
            channel=Channel.EMAIL, scope=scope, closes=status == "resolved", postmortem=status == "postmortem"
        )
        now = {
            person.external_id
            for person in people
            if is_notified(
                person.preferences, Exposure.REACHED if person.external_id in notified else Exposure.NONE, context
            )
        }
        notified |= now
        expected.append(len(now))
    return expected
