"""The subscriber as a value, and the keys, locales and zones an installation allows in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from zoneinfo import available_timezones

from notifier.domain.errors import FieldError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, SubscriberKind, SubscriberState

MAX_EXTERNAL_ID = 200
MAX_NAME = 200
MAX_EMAIL = 254  # RFC 5321 section 4.5.3.1.3: a path has 256 octets, two of them the angle brackets
MAX_PER_HOUR = 1_000
_MINUTES_OF_DAY = 24 * 60


class SuppressionReason(StrEnum):
    """Why an address is suppressed on a channel. The first two are the recipient's own choice."""

    UNSUBSCRIBED = "unsubscribed"
    PROVIDER_UNSUBSCRIBED = "provider_unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    MANUAL = "manual"
    IMPORTED = "imported"

    @property
    def state(self) -> SubscriberState:
        """The state of subscribers with such an address."""
        return SubscriberState.UNSUBSCRIBED if self in _OWN_WISH else SubscriberState.SUPPRESSED

    @property
    def may_reader_lift(self) -> bool:
        """Whether the recipient may lift it; only operators lift what an operator suppressed."""
        return self is not SuppressionReason.MANUAL


_OWN_WISH = frozenset({SuppressionReason.UNSUBSCRIBED, SuppressionReason.PROVIDER_UNSUBSCRIBED})


class LegalBasis(StrEnum):
    """Legal basis for sending (GDPR Art. 6), recorded with every subscriber."""

    CONSENT = "consent"  # confirmed by double opt-in
    CONTRACT = "contract"  # operational news to customers
    IMPORT = "import"  # vouched for by whoever imported the list
    API = "api"  # vouched for by the system that created it


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A daily span of local time, in minutes after midnight; it may run over midnight."""

    start: int
    end: int

    @classmethod
    def parse(cls, start: str, end: str) -> "QuietHours":
        """Parse two `HH:MM` times.

        Raises:
            ValueError: not a time of day, or both are equal (which would mean always or never).
        """
        span = cls(start=_minutes(start), end=_minutes(end))
        if span.start == span.end:
            raise ValueError("must begin and end at different times")
        return span

    def texts(self) -> tuple[str, str]:
        """Format both as `HH:MM`."""
        return _clock_face(self.start), _clock_face(self.end)


def _minutes(text: str) -> int:
    hours, separator, minutes = text.partition(":")
    wellformed = separator and len(hours) == len(minutes) == 2 and text.isascii()  # noqa: PLR2004 - HH:MM
    if not wellformed or not hours.isdigit() or not minutes.isdigit():
        raise ValueError("must be a time of day such as 22:00")
    total = int(hours) * 60 + int(minutes)
    if total >= _MINUTES_OF_DAY or int(minutes) >= 60:  # noqa: PLR2004
        raise ValueError("must be a time of day such as 22:00")
    return total


def _clock_face(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One subscriber as the API shows it. `email` is in the form providers take (ASCII), `timezone` an IANA name."""

    external_id: str
    kind: SubscriberKind = SubscriberKind.MERCHANT
    email: str | None = None
    name: str = ""
    locale: str
    timezone: str
    state: SubscriberState = SubscriberState.ACTIVE
    preferences: Preferences = field(default_factory=Preferences)
    quiet_hours: QuietHours | None = None
    max_per_hour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A suppressed address on one channel: since when, and why."""

    channel: Channel
    reason: SuppressionReason
    since: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSubscriber:
    """A subscriber with its ledger data."""

    id: int
    subscriber: Subscriber
    address_key: int | None
    legal_basis: str
    consent: Mapping[str, object] | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What this installation allows. If no components are configured, any key is accepted.

    An omitted locale or time zone means the default.
    """

    components: frozenset[str]
    locales: frozenset[str]
    default_locale: str
    default_timezone: str

    def faults(self, subscriber: Subscriber, known: Subscriber | None = None) -> list[FieldError]:
        """Return an error for each unknown value; values that `known` already has are accepted."""
        before = known or subscriber
        faults = self.component_faults(
            subscriber.preferences.components - (before.preferences.components if known else frozenset()),
            "preferences.components",
        )
        if subscriber.locale not in self.locales and not (known and known.locale == subscriber.locale):
            faults.append(FieldError("locale", self.locale_fault(subscriber.locale)))
        if not is_timezone(subscriber.timezone):
            faults.append(FieldError("timezone", timezone_fault(subscriber.timezone)))
        if subscriber.email is None and Channel.EMAIL in subscriber.preferences.channels:
            faults.append(FieldError("email", "is needed when preferences.channels holds email"))
        return faults

    def component_faults(self, components: frozenset[str], name: str) -> list[FieldError]:
        """Return one error that names all unknown components, or none."""
        unknown = sorted(components - self.components)
        if not unknown or not self.components:
            return []
        return [FieldError(name, f"unknown: {_listed(unknown)}; known are {_listed(sorted(self.components))}")]

    def locale_fault(self, locale: str) -> str:
        """Return the message that a locale is not offered."""
        return f"{locale[:40]!r} is not offered; offered are {_listed(sorted(self.locales))}"


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(repr(word[:60]) for word in words[:10])
    return f"{shown} and {len(words) - 10} more" if len(words) > 10 else shown or "none"  # noqa: PLR2004


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_timezone(name: str) -> bool:
    """Whether `name` is a zone of the IANA database, in its exact spelling."""
    return name in _timezones()


def timezone_fault(name: str) -> str:
    """Return the message that a time zone is unknown."""
    return f"{name[:64]!r} is no time zone; write an IANA name such as Europe/Amsterdam"
