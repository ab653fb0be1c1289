"""Responses about drafts and templates."""

from typing import Any

from pydantic import AwareDatetime, Field

from notifier.api.openapi.models import ReceiptOut, ResponseModel
from notifier.domain.proposals.draft import DraftState
from notifier.domain.proposals.signal import SignalState
from notifier.domain.values import Impact, Status


class DraftOut(ResponseModel):
    """A proposed event. Nobody is notified, and nothing is shown, before it is published."""

    id: str = Field(examples=["drf_01kd2x3v7m8c9q0w1e2r3t4y5u"])
    version: int = Field(description="Grows with every change; changing and publishing name it.")
    state: DraftState
    incident: dict[str, Any] = Field(description="As in an event; parts may be missing. Its `id` is kept.")
    update: dict[str, Any] = Field(description="As in an event; parts may be missing.")
    notify: bool
    visible: bool
    after: str | None
    source: str | None = Field(description="The source that suggested it; null: a person.")
    signal_id: str | None
    template: str | None
    reason: str = Field(description="Why it is there, or why it was closed.")
    author: str
    edited_by: str | None = Field(description="The last person who changed it; null: only machines did.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    receipt: ReceiptOut | None = Field(description="The answer to its publication.")


class SignalOut(ResponseModel):
    """What a source reported, from its first report to its end. Nobody is notified of a signal."""

    id: str = Field(examples=["sig_01kd2x3v7m8c9q0w1e2r3t4y5u"])
    source: str = Field(examples=["prometheus"])
    kind: str = Field(examples=["alertmanager"])
    state: SignalState = Field(description="`ignored`: only recorded; `reason` says why.")
    impact: Impact
    components: list[dict[str, str | None]] = Field(description="`key`, and `status` where the source knows it.")
    title: str = Field(description="The source's own words, for operators.")
    detail: str
    link: str | None = Field(description="To the source's own page; not published.")
    reason: str
    changes: int
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    ended_at: AwareDatetime | None
    draft_id: str | None = Field(description="The draft that proposes it, or the last one that did.")
    incident_id: str | None = Field(description="The incident that it belongs to.")


class ChannelReachOut(ResponseModel):
    """Recipients on one channel."""

    recipients: int
    locales: dict[str, int]
    quiet_hours: int = Field(description="Of the recipients: those who would get it after their quiet hours.")
    suppressed: int = Field(description="Besides the recipients: suppressed mailboxes, disabled endpoints.")


class ReachOut(ResponseModel):
    """Whom a draft would concern if it were published now, by what they chose."""

    recipients: int
    channels: dict[str, ChannelReachOut]


class DraftPreviewOut(ResponseModel):
    """What would be sent.

    Of a mail `subject`, `html` and `text`; of a post `text`, `count` and `limit`; of a webhook `body`.
    """

    channel: str
    locale: str
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    count: int | None = Field(default=None, description="Length as the platform counts it.")
    limit: int | None = None
    body: dict[str, Any] | None = None


class TemplateOut(ResponseModel):
    """Prepared texts that fill in a draft."""

    id: str
    name: str
    title: dict[str, str]
    body: dict[str, str]
    status: Status
    impact: Impact | None
    components: list[str]
    configured: bool = Field(description="From `notifier.toml`: it cannot be changed here.")
    updated_at: AwareDatetime | None
