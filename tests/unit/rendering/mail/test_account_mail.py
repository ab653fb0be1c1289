"""Mail about subscriptions and endpoints."""

from datetime import UTC, datetime

import pytest

from notifier.domain.messages.team import TeamSubject
from notifier.rendering.mail.account_mail import (
    ACCOUNT_FOLDERS,
    AccountMessage,
    AddressChangeConfirm,
    DisabledBecause,
    EndpointDisabled,
    EndpointWarning,
    SubscriptionConfirm,
    SubscriptionKnown,
    TeamReminder,
)
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import LOCALES

AT = datetime(2022, 6, 21, 10, 0, tzinfo=UTC)
CONFIRM, MANAGE = "https://status.example.com/confirm/tok?a=1&b=2", "https://status.example.com/endpoints/tok"
SECRET = "https://user:hunter2@partner.example/hooks/in?key=hunter3"
MESSAGES: tuple[AccountMessage, ...] = (
    SubscriptionConfirm(confirm_url=CONFIRM, expires_at=AT),
    AddressChangeConfirm(confirm_url=CONFIRM, expires_at=AT),
    EndpointWarning(
        endpoint_url=SECRET, failing_since=AT, disabled_at=AT, last_error="503 <busy>\r\nX: y", manage_url=MANAGE
    ),
    *(
        EndpointDisabled(endpoint_url=SECRET, disabled_at=AT, because=because, last_error="", manage_url=MANAGE)
        for because in DisabledBecause
    ),
    SubscriptionKnown(preferences_url=MANAGE),
)
REMINDERS = tuple(TeamReminder(about=about, title="Database move <2>", url=MANAGE, since=AT) for about in TeamSubject)


def test_every_account_message_has_a_case_here() -> None:
    assert {type(message) for message in MESSAGES} == set(ACCOUNT_FOLDERS) - {TeamReminder}


@pytest.mark.parametrize("locale", [*LOCALES, "ar"])
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_account_mail_renders_whole(renderer: Renderer, message: AccountMessage, locale: str) -> None:
    content = renderer.account_mail(message, locale=locale, timezone="Europe/London", name="Jansen & Zn")
    assert content.subject.startswith("[My" if locale != "nl" else "[Mijnwebwinkel]")
    assert "Jansen & Zn" in content.text
    assert "Jansen &amp; Zn" in content.html
    assert isinstance(message, SubscriptionKnown) or "11:00" in content.text
    assert "-ntf" not in content.text + content.html
    assert "List-Unsubscribe" not in content.headers
    assert content.headers["Auto-Submitted"] == "auto-generated"
    assert len(content.html.encode()) < 20_000
    assert max(map(len, content.text.splitlines())) <= 78


@pytest.mark.parametrize("message", MESSAGES[:2])
def test_a_confirmation_has_its_link_in_both_parts(renderer: Renderer, message: AccountMessage) -> None:
    content = renderer.account_mail(message, locale="nl", timezone="Europe/Amsterdam", name="")
    assert CONFIRM in content.text
    assert CONFIRM.replace("&", "&amp;") in content.html
    assert content.text.count("Hallo,") == 1


@pytest.mark.parametrize("message", MESSAGES[2:-1])
def test_no_secret_of_an_endpoint_is_mailed(renderer: Renderer, message: AccountMessage) -> None:
    content = renderer.account_mail(message, locale="en", timezone="UTC", name="")
    assert "https://partner.example/hooks/in" in content.text
    assert "hunter" not in content.text + content.html + content.subject
    assert MANAGE in content.text


def test_the_three_reasons_read_differently(renderer: Renderer) -> None:
    texts = {renderer.account_mail(message, locale="de", timezone="UTC", name="").text for message in MESSAGES[3:-1]}
    assert len(texts) == len(DisabledBecause)


def test_what_a_receiver_answered_is_only_text(renderer: Renderer) -> None:
    content = renderer.account_mail(MESSAGES[2], locale="en", timezone="UTC", name="")
    assert "503 <busy> X: y" in content.text
    assert "503 &lt;busy&gt; X: y" in content.html


@pytest.mark.parametrize("locale", LOCALES)
def test_reminders_to_the_team_say_what_waits_since_when_and_where(renderer: Renderer, locale: str) -> None:
    contents = [
        renderer.account_mail(message, locale=locale, timezone="Europe/London", name="") for message in REMINDERS
    ]
    assert len({content.text.split("2>")[1] for content in contents}) == len(TeamSubject)
    assert len({content.subject for content in contents}) == len(TeamSubject)
    for content in contents:
        assert "Database move <2>" in content.text
        assert "Database move &lt;2&gt;" in content.html
        assert "Database move <2>" in content.subject
        assert "11:00" in content.text
        assert MANAGE in content.text
