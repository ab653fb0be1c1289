"""A subscriber as JSON (contract, section 5): strict models in, domain values out."""

from collections.abc import Callable
from typing import Annotated, Any, Self, TypeVar, cast

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from notifier.domain.errors import InvalidInputError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.changes import PreferenceChanges, SubscriberChanges
from notifier.domain.recipients.subscriber import (
    MAX_PER_HOUR,
    QuietHours,
    Subscriber,
    Suppression,
    SuppressionReason,
    Vocabulary,
)
from notifier.domain.values import Channel, Impact, SubscriberKind, SubscriberState, UpdateLevel
from notifier.inbound import subscriber_fields as fields
from notifier.inbound.bodies import Body, read_json, refused
from notifier.inbound.mail_address import mail_address

Value = TypeVar("Value")
MAX_COMPONENTS = 200


def checked(check: Callable[[Value], Value]) -> AfterValidator:
    """Turn a function that raises `ValueError` with a sentence into a field's check."""

    def validate(value: Value) -> Value:
        try:
            return check(value)
        except ValueError as error:
            raise refused(str(error)) from None

    return AfterValidator(validate)


ExternalId = Annotated[str, checked(fields.external_id)]
MailAddress = Annotated[str, checked(mail_address)]
DisplayName = Annotated[str, Field(max_length=4000), checked(fields.display_name)]
ComponentKey = Annotated[str, checked(fields.component_key)]
LeastImpact = Annotated[Impact, checked(fields.least_impact)]
Instant = Annotated[AwareDatetime, checked(fields.instant)]


class QuietHoursBody(Body):
    """A daily span in the subscriber's local time, `HH:MM`; it may span midnight."""

    start: str = Field(alias="from", examples=["22:00"])
    end: str = Field(alias="to", examples=["07:00"])

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        self.to_domain()
        return self

    def to_domain(self) -> QuietHours:
        """Convert to the domain value."""
        try:
            return QuietHours.parse(self.start, self.end)
        except ValueError as error:
            raise refused(str(error)) from None


class PreferencesBody(Body):
    """Which updates a subscriber wants. `components: []` means all."""

    channels: Annotated[tuple[Channel, ...], Field(max_length=len(Channel))] = (Channel.EMAIL,)
    components: Annotated[tuple[ComponentKey, ...], Field(max_length=MAX_COMPONENTS)] = ()
    min_impact: LeastImpact = Impact.NONE
    updates: UpdateLevel = UpdateLevel.ALL
    maintenance: bool = True
    quiet_hours: QuietHoursBody | None = None
    max_per_hour: Annotated[int, Field(ge=1, le=MAX_PER_HOUR)] | None = None

    def to_domain(self) -> Preferences:
        """Convert to the domain value, without quiet hours and hourly limit."""
        return Preferences(
            channels=frozenset(self.channels),
            components=frozenset(self.components),
            min_impact=self.min_impact,
            updates=self.updates,
            maintenance=self.maintenance,
        )

    def changes(self) -> PreferenceChanges:
        """Return the given members."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        for name in {"channels", "components"} & given.keys():
            given[name] = frozenset(given[name])
        if self.quiet_hours is not None:
            given["quiet_hours"] = self.quiet_hours.to_domain()
        return cast("PreferenceChanges", given)


class SubscriberBody(Body):
    """A whole subscriber. Locale and time zone default to the brand's."""

    external_id: ExternalId
    kind: SubscriberKind = SubscriberKind.MERCHANT
    email: MailAddress | None = None
    name: DisplayName = ""
    locale: str | None = None
    timezone: str | None = None
    state: SubscriberState = SubscriberState.ACTIVE
    preferences: PreferencesBody = PreferencesBody()

    def to_domain(self, vocabulary: Vocabulary, known: Subscriber | None = None) -> Subscriber:
        """Convert to the domain value.

        Raises:
            InvalidInputError: Names every unknown word, unless `known` already contained it.
        """
        quiet = self.preferences.quiet_hours
        subscriber = Subscriber(
            external_id=self.external_id,
            kind=self.kind,
            email=self.email,
            name=self.name,
            locale=vocabulary.default_locale if self.locale is None else self.locale,
            timezone=vocabulary.default_timezone if self.timezone is None else self.timezone,
            state=self.state,
            preferences=self.preferences.to_domain(),
            quiet_hours=quiet.to_domain() if quiet else None,
            max_per_hour=self.preferences.max_per_hour,
        )
        faults = vocabulary.faults(subscriber, known)
        if faults:
            raise InvalidInputError(faults)
        return subscriber


class SubscriberPatch(Body):
    """Changes: omitted members stay, also those of `preferences`; null resets (RFC 7396)."""

    external_id: ExternalId | None = None  # may be repeated, not changed
    kind: SubscriberKind | None = None
    email: MailAddress | None = None
    name: DisplayName | None = None
    locale: str | None = None
    timezone: str | None = None
    state: SubscriberState | None = None
    preferences: PreferencesBody | None = None

    def to_domain(self) -> SubscriberChanges:
        """Return the given members, each valid by itself."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if self.preferences is not None:
            given["preferences"] = self.preferences.changes()
        return cast("SubscriberChanges", given)


class SuppressionBody(Body):
    """Why and since when nothing is sent on a channel."""

    channel: Channel
    reason: SuppressionReason
    since: Instant
    detail: Annotated[str, Field(max_length=1000)] = ""

    def to_domain(self) -> Suppression:
        """Convert to the domain value."""
        return Suppression(channel=self.channel, reason=self.reason, since=self.since, detail=self.detail)


class SubscriberRecord(SubscriberBody):
    """One line of an NDJSON list: a subscriber with the history of an export."""

    legal_basis: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    consent: dict[str, Any] | None = None
    suppressions: tuple[SuppressionBody, ...] = ()
    created_at: Instant | None = None
    updated_at: Instant | None = None


def parse_subscriber(data: bytes | str, vocabulary: Vocabulary) -> Subscriber:
    """Parse a whole subscriber from JSON.

    Raises:
        InvalidInputError: Names every field at fault by its dotted path, such as
            `preferences.min_impact`.
    """
    return read_json(SubscriberBody, data).to_domain(vocabulary)


def parse_patch(data: bytes | str) -> SubscriberChanges:
    """Parse changes from JSON.

    Raises:
        InvalidInputError: As `parse_subscriber`.
    """
    return read_json(SubscriberPatch, data).to_domain()
