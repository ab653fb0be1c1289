"""The house, an incident and its updates, for tests of what readers see."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.domain.incidents.incident import AffectedComponent, Incident, Window
from notifier.domain.incidents.notice import AnnouncedWindow, Notice, NoticeUpdate
from notifier.domain.messages.brand import Brand, Component
from notifier.domain.messages.message import MailContent, MailRecipient
from notifier.domain.values import Channel, ComponentStatus, Impact, Status
from notifier.rendering.mail.incident_mail import RenderedMail
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir

LOCALES = ("nl", "en", "de", "fr")
START = datetime(2022, 6, 21, 6, 34, tzinfo=UTC)
PUBLIC_URL = "https://status.example.com"

BRAND = Brand(
    name={"nl": "Mijnwebwinkel", "en": "MyOnlineStore"},
    from_email={"nl": "storing@mijnwebwinkel.example", "en": "status@myonlinestore.example"},
    default_locale="en",
    locales=LOCALES,
    timezone="Europe/Amsterdam",
)
COMPONENTS = (
    Component(key="backoffice", name={"nl": "Beheeromgeving", "en": "Backoffice"}),
    Component(key="storefront", name={"nl": "Webwinkel", "en": "Storefront"}),
)
INCIDENT = Incident(
    id="inc-20220621",
    title={"nl": "Verminderde performance", "en": "Degraded performance"},
    impact=Impact.MAJOR,
    components=(
        AffectedComponent(key="storefront", status=ComponentStatus.MAJOR_OUTAGE),
        AffectedComponent(key="backoffice", status=ComponentStatus.DEGRADED_PERFORMANCE),
    ),
    started_at=START,
    links=("https://www.cloudflarestatus.com/",),
)
MAINTENANCE = replace(
    INCIDENT,
    id="mnt-7",
    impact=Impact.MAINTENANCE,
    started_at=None,
    scheduled_for=START + timedelta(days=3),
    scheduled_until=START + timedelta(days=3, hours=2),
)


def a_renderer(brand: Brand = BRAND, public_url: str = PUBLIC_URL) -> Renderer:
    return Renderer(brand, COMPONENTS, public_url, templates_dir(), locales_dir())


def an_update(number: int = 1, **changes: Any) -> NoticeUpdate:
    update = NoticeUpdate(
        id=f"upd-{number}",
        status=Status.INVESTIGATING,
        impact=Impact.MAJOR,
        body={"nl": f"We zoeken de oorzaak ({number}).", "en": f"We are looking for the cause ({number})."},
        posted_at=START + timedelta(minutes=2 * number),
        sequence=number,
    )
    return replace(update, **changes)


def a_notice(*updates: NoticeUpdate, incident: Incident = INCIDENT, **changes: Any) -> Notice:
    told = updates or (an_update(),)
    notice = Notice(
        id="ntf_01j0000000000000000000000",
        channel=Channel.EMAIL,
        sequence=told[-1].sequence,
        incident=incident,
        updates=told,
        opens=len(told) == 1,
        closes=told[-1].status.closes,
        created_at=told[-1].posted_at,
    )
    return replace(notice, **changes)


WAS = Window(START + timedelta(days=1), START + timedelta(days=1, hours=2))


def a_moved_notice(status: Status = Status.SCHEDULED, was: Window = WAS) -> Notice:
    """The second notification of planned work whose window the first told as `was`."""
    updates = an_update(1, status=Status.SCHEDULED), an_update(2, status=status)
    now = Window(MAINTENANCE.scheduled_for or START, MAINTENANCE.scheduled_until)
    return a_notice(*updates, incident=MAINTENANCE, windows=(AnnouncedWindow(1, was), AnnouncedWindow(2, now)))


def a_reminding_notice() -> Notice:
    """The second notification of planned work, which only reminds of it."""
    first, second = an_update(1, status=Status.SCHEDULED), an_update(2, status=Status.SCHEDULED)
    return a_notice(first, replace(second, reminder=True), incident=MAINTENANCE)


def a_notice_saying(body: Mapping[str, str] | str, **changes: Any) -> Notice:
    texts = {"en": body} if isinstance(body, str) else body
    return a_notice(an_update(body=texts, **changes))


def a_recipient(renderer: Renderer, mail: RenderedMail, **changes: Any) -> MailRecipient:
    values: dict[str, Any] = {
        "delivery_id": "dlv_01j0000000000000000000000_aaaaaaaaaaaaa",
        "address": "owner@bloemenhuis.example",
        "name": "Bloemenhuis Jansen",
        "timezone": "Europe/Amsterdam",
        "unsubscribe_url": f"{PUBLIC_URL}/unsubscribe/tok-u",
        "preferences_url": f"{PUBLIC_URL}/preferences/tok-p",
    }
    return renderer.personal(mail, **{**values, **changes})


def as_received(content: MailContent, recipient: MailRecipient) -> tuple[str, str, str]:
    """Subject, text and HTML after the provider's one raw pass over the tags, longest first."""
    parts = [content.subject, content.text, content.html]
    for tag in sorted(recipient.substitutions, key=len, reverse=True):
        parts = [part.replace(tag, recipient.substitutions[tag]) for part in parts]
    return parts[0], parts[1], parts[2]
