"""The schema of `notifier.toml`. All defaults are in `notifier/default.toml`."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, Strict

from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.incidents.translation import TranslationPolicy, TranslationRule
from notifier.domain.values import Platform, Status
from notifier.settings.checks import http_url, mailbox
from notifier.settings.section import Key, LocaleTag, Localized, Seconds, Section, StatusName
from notifier.settings.sources import (
    DraftsSection,
    MaintenanceSection,
    SourceSection,
    TeamSection,
    TemplateSection,
    UpstreamSection,
)

SANDBOX = "sandbox"


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write an IANA name such as Europe/Amsterdam") from None
    return name


def _base_url(text: str) -> str:
    return text if text == SANDBOX else http_url(text)


def _hashtag(text: str) -> str:
    if not text.isidentifier() and not text.isalnum():
        raise ValueError(f"{text!r} must be one word without #")
    return text


PlatformName = Annotated[Platform, Strict(strict=False)]


class BrandSection(Section):
    """`[brand]`."""

    name: Localized
    from_email: Annotated[dict[LocaleTag, Annotated[str, AfterValidator(mailbox)]], Field(min_length=1)]
    reply_to: dict[LocaleTag, Annotated[str, AfterValidator(mailbox)]]
    default_locale: LocaleTag
    locales: Annotated[list[LocaleTag], Field(min_length=1)]
    timezone: Annotated[str, AfterValidator(_timezone)]
    templates: str


class ComponentSection(Section):
    """One of `[[components]]`."""

    key: Key
    name: Localized


class AccountSection(Section):
    """One of `[[accounts]]`."""

    name: Annotated[Key, Field(max_length=60)]  # stored in columns beside its platform
    platform: PlatformName
    locale: LocaleTag | None = None
    locales: list[LocaleTag] = Field(default_factory=list)
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    with_link: bool = True
    with_card: bool = True
    hashtags: tuple[Annotated[str, AfterValidator(_hashtag)], ...] = Field(default=(), strict=False)

    @property
    def languages(self) -> list[LocaleTag]:
        """Its locales, the leading one first."""
        return self.locales or ([self.locale] if self.locale else [])


class ChannelCoalesce(Section):
    """`[coalesce.<channel>]`: only what differs from `[coalesce]`."""

    delay: Seconds | None = None
    window: Seconds | None = None
    max_window: Seconds | None = None
    hold_resolved: Seconds | None = None
    flush_on: list[StatusName] | None = None


class CoalesceSection(Section):
    """`[coalesce]`, in seconds."""

    delay: Seconds
    window: Seconds
    max_window: Seconds
    hold_resolved: Seconds
    flush_on: list[StatusName]
    email: ChannelCoalesce = ChannelCoalesce()
    social: ChannelCoalesce = ChannelCoalesce()
    webhook: ChannelCoalesce = ChannelCoalesce()

    def policy(self, override: ChannelCoalesce) -> CoalescePolicy:
        """Return a channel's policy; `override` is its own table."""
        base = self.model_dump(exclude={"email", "social", "webhook"})
        values = base | override.model_dump(exclude_none=True)
        flush_on = frozenset(Status(status) for status in values.pop("flush_on"))
        # A window set beyond `max_window` is intentional: it just does not double any further.
        values["max_window"] = max(values["max_window"], values["window"])
        return CoalescePolicy(flush_on=flush_on, **values)


class ChannelTranslation(Section):
    """`[translation.<channel>]`: only what differs from `[translation]`."""

    policy: Annotated[TranslationPolicy, Strict(strict=False)] | None = None
    hold: Seconds | None = None


class TranslationSection(Section):
    """`[translation]`: `hold` in seconds."""

    policy: Annotated[TranslationPolicy, Strict(strict=False)]
    hold: Seconds
    email: ChannelTranslation = ChannelTranslation()
    social: ChannelTranslation = ChannelTranslation()

    def rule(self, own: ChannelTranslation) -> TranslationRule:
        """Return a channel's rule: its own keys, otherwise those of the section."""
        hold = self.hold if own.hold is None else own.hold
        return TranslationRule(policy=own.policy or self.policy, hold=timedelta(seconds=hold))


class WorkersSection(Section):
    """`[workers]`: concurrent tasks per queue and process; drain and lease times in seconds."""

    control: Annotated[int, Field(ge=1, le=64)]
    email: Annotated[int, Field(ge=1, le=64)]
    social: Annotated[int, Field(ge=1, le=64)]
    webhook: Annotated[int, Field(ge=1, le=64)]
    retry: Annotated[int, Field(ge=1, le=64)]
    bulk: Annotated[int, Field(ge=1, le=64)]
    webhook_processes: Annotated[int, Field(ge=1, le=32)]
    drain: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]
    lease: Annotated[float, Field(ge=5, le=3600, allow_inf_nan=False)]


class LimitsSection(Section):
    """`[limits]`: sizes in bytes, times in seconds."""

    batch_size: Annotated[int, Field(ge=1, le=1000)]
    request_bytes: Annotated[int, Field(ge=4096, le=64 * 1024 * 1024)]
    mail_timeout: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)]
    mail_evidence: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
    webhook_connections: Annotated[int, Field(ge=1, le=10_000)]
    webhook_timeout: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
    sign_ups_per_hour: Annotated[int, Field(ge=1, le=1_000_000)]


class WebhooksSection(Section):
    """`[webhooks]`: allowed endpoints, and when a failing one is disabled. Times in seconds."""

    verify: bool
    allow_http: bool
    allow_ports: list[Annotated[int, Field(ge=1, le=65_535)]]
    rotation_overlap: Seconds
    warn_after: Seconds
    disable_after: Seconds


Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionSection(Section):
    """`[retention]`, in days; 0 keeps forever."""

    deliveries: Days
    events: Days
    provider_events: Days
    audit: Days
    signals: Days
    drafts: Days


class CanarySection(Section):
    """`[canary]`: its recipients; empty for none."""

    email: Annotated[str, AfterValidator(lambda text: mailbox(text) if text else text)]
    endpoint: Annotated[str, AfterValidator(lambda text: http_url(text) if text else text)]


class GuardSection(Section):
    """`[guard]`: what is held for an operator's release."""

    hold_above: Annotated[int, Field(ge=0)]
    needs_announce: bool
    hold_older_than: Annotated[float, Field(ge=0, le=3650 * 86_400, allow_inf_nan=False)]


class ConfigFile(Section):
    """The whole file."""

    brand: BrandSection
    components: list[ComponentSection]
    coalesce: CoalesceSection
    translation: TranslationSection
    accounts: list[AccountSection]
    workers: WorkersSection
    limits: LimitsSection
    webhooks: WebhooksSection
    retention: RetentionSection
    canary: CanarySection
    guard: GuardSection
    sources: list[SourceSection] = Field(default_factory=list)
    upstreams: list[UpstreamSection] = Field(default_factory=list)
    templates: list[TemplateSection] = Field(default_factory=list)
    drafts: DraftsSection
    maintenance: MaintenanceSection
    team: TeamSection
