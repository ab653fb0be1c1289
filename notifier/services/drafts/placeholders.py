"""What the placeholders of a template stand for, in each locale of the brand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notifier.domain.messages.brand import Brand, Component
from notifier.domain.proposals.signal import Signal
from notifier.domain.proposals.template import filled
from notifier.rendering import datetimes
from notifier.rendering.language import parse_locale


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when a draft is written. `upstream`: the name of the page that reported it."""

    components: tuple[str, ...] = ()
    source: str = ""
    upstream: str = ""
    link: str = ""
    at: datetime | None = None

    @classmethod
    def of(cls, signal: Signal) -> "Facts":
        """Return what a signal knows."""
        return cls(
            components=tuple(sorted(signal.components)),
            source=signal.source,
            upstream=str(signal.facts.get("page", "")),
            link=signal.link or "",
            at=signal.first_seen_at,
        )

    def completed(self, incident: Mapping[str, Any], components: Iterable[str]) -> "Facts":
        """Return the facts with what an incident's checked JSON, or else a template's components, add to them."""
        named = incident.get("components") or components
        links, started_at = incident.get("links") or ("",), incident.get("started_at")
        keys = tuple(item if isinstance(item, str) else item["key"] for item in named)
        return replace(
            self,
            components=self.components or keys,
            link=self.link or links[0],
            at=datetime.fromisoformat(started_at) if started_at else self.at,
        )


@dataclass(frozen=True)
class Placeholders:
    """Fills texts with facts, in the words of their locale."""

    brand: Brand
    components: Sequence[Component]

    def filled(self, texts: Mapping[str, str], facts: Facts) -> dict[str, str]:
        """Return texts per locale with their placeholders replaced."""
        return {locale: filled(text, self._values(locale, facts)) for locale, text in texts.items()}

    def _values(self, locale: str, facts: Facts) -> Mapping[str, str]:
        return {
            "components": ", ".join(self._names(facts.components, locale)),
            "source": facts.source,
            "upstream": facts.upstream or facts.source,
            "link": facts.link,
            "time": self._moment(facts.at, locale),
        }

    def _names(self, keys: Iterable[str], locale: str) -> Iterable[str]:
        names = {component.key: component.name for component in self.components}
        default = self.brand.default_locale
        for key in keys:
            name = names.get(key, {})
            yield name.get(locale) or name.get(default) or key

    def _moment(self, at: datetime | None, locale: str) -> str:
        cldr = parse_locale(locale)
        if at is None or cldr is None:
            return ""
        return datetimes.moment(at, cldr, datetimes.zone(self.brand.timezone, "UTC"))
