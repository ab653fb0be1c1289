"""The brand, its components and its social media accounts, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from notifier.domain.messages.message import Mailbox
from notifier.domain.values import Platform


def localized(texts: Mapping[str, str], locale: str, default_locale: str) -> str:
    """Return the text for `locale`, else its language, else the default locale, else the first."""
    for candidate in (locale, locale.split("-", maxsplit=1)[0], default_locale, "en"):
        if candidate in texts:
            return texts[candidate]
    return next(iter(texts.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """The brand in each locale. `timezone` is an IANA name; `locales` are the offered ones."""

    name: Mapping[str, str]
    from_email: Mapping[str, str]
    default_locale: str
    locales: Sequence[str]
    timezone: str
    reply_to: Mapping[str, str] = field(default_factory=dict)

    def name_in(self, locale: str) -> str:
        """The brand's name in that locale."""
        return localized(self.name, locale, self.default_locale)

    def sender_in(self, locale: str) -> Mailbox:
        """The From mailbox for that locale."""
        return Mailbox(email=localized(self.from_email, locale, self.default_locale), name=self.name_in(locale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of the platform a merchant may care about; `name` per locale."""

    key: str
    name: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One social media account the platform owns. Credentials are kept by the sender, not here.

    `locales`: the languages it posts in, if more than `locale`. `with_card`: attach a picture.
    """

    name: str
    platform: Platform
    locale: str
    locales: Sequence[str] = ()
    with_link: bool = True
    with_card: bool = True
    hashtags: Sequence[str] = ()

    @property
    def languages(self) -> Sequence[str]:
        """The locales it posts in; never empty, the first one leads."""
        return self.locales or (self.locale,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Retention periods of the ledger; None: forever."""

    deliveries: timedelta | None
    events: timedelta | None
    provider_events: timedelta | None
    audit: timedelta | None
    signals: timedelta | None = None
    drafts: timedelta | None = None
