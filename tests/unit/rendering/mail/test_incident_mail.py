"""Incident mail: once per notice, locale and standing; personal parts by tag."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.domain.incidents.incident import Window
from notifier.domain.incidents.notice import MessageKind
from notifier.domain.messages.brand import Account, Brand
from notifier.domain.messages.message import Mailbox
from notifier.domain.values import Impact, Platform, Status, WebhookFormat
from notifier.rendering.renderer import Renderer
from tests.support.call_counter import calls_of
from tests.unit.rendering.mail.outlines import outline, received
from tests.unit.rendering.samples import (
    BRAND,
    INCIDENT,
    LOCALES,
    MAINTENANCE,
    START,
    a_moved_notice,
    a_notice,
    a_notice_saying,
    a_recipient,
    a_reminding_notice,
    a_renderer,
    an_update,
    as_received,
)

NOTICES = {
    MessageKind.OPENED: (a_notice(), 0),
    MessageKind.UPDATED: (a_notice(an_update(1), an_update(2, status=Status.IDENTIFIED)), 1),
    MessageKind.RESOLVED: (a_notice(an_update(1), an_update(2, status=Status.RESOLVED)), 1),
    MessageKind.POSTMORTEM: (a_notice(an_update(1), an_update(2, status=Status.POSTMORTEM)), 1),
    **{
        kind: (a_notice(an_update(1, status=status, impact=Impact.MAINTENANCE), incident=MAINTENANCE), 0)
        for kind, status in {
            MessageKind.MAINTENANCE_SCHEDULED: Status.SCHEDULED,
            MessageKind.MAINTENANCE_STARTED: Status.IN_PROGRESS,
            MessageKind.MAINTENANCE_UPDATED: Status.VERIFYING,
            MessageKind.MAINTENANCE_COMPLETED: Status.COMPLETED,
            MessageKind.MAINTENANCE_CANCELED: Status.CANCELED,
        }.items()
    },
    MessageKind.MAINTENANCE_MOVED: (a_moved_notice(), 1),
    MessageKind.MAINTENANCE_REMINDER: (a_reminding_notice(), 1),
}

LABELS = {
    "nl": ["Storing", "Nieuws over de storing", "Opgelost", "Terugblik", "Gepland onderhoud", "Onderhoud verplaatst"],
    "de": ["Störung", "Neues zur Störung", "Behoben", "Rückblick", "Geplante Wartung", "Wartung verschoben"],
}


def test_every_kind_of_message_has_a_case_here() -> None:
    assert set(NOTICES) == set(MessageKind)
    for kind, (notice, since) in NOTICES.items():
        assert notice.kind_for(since) is kind


@pytest.mark.parametrize("locale", [*LOCALES, "ar", "pt-BR", "xx-nonsense"])
@pytest.mark.parametrize("kind", MessageKind)
def test_every_message_renders_complete_in_every_locale(renderer: Renderer, kind: MessageKind, locale: str) -> None:
    notice, since = NOTICES[kind]
    subject, text, html = received(renderer, notice, locale, since)
    assert subject
    for part in (text, html):
        assert "-ntf" not in part
        assert "None" not in part
        assert "/unsubscribe/tok-u" in part
        assert "/preferences/tok-p" in part
        assert f"/incidents/{notice.incident.id}" in part
    assert all(len(line.encode()) <= 998 for part in (text, html) for line in part.splitlines())
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 78
    assert len(html.encode()) < 60_000


@pytest.mark.parametrize("locale", LABELS)
def test_the_kind_is_told_in_words_at_the_top_of_both_parts(renderer: Renderer, locale: str) -> None:
    for kind, label in zip(MessageKind, LABELS[locale], strict=False):
        notice, since = NOTICES[kind]
        _, text, html = received(renderer, notice, locale, since)
        assert text.startswith(f"{label}: ")
        assert f">{label}</p>" in html


def test_both_parts_tell_the_same_facts(renderer: Renderer) -> None:
    _, text, html = received(renderer, a_notice(), "nl")
    for fact in (
        *("Verminderde performance", "In onderzoek", "We zoeken de oorzaak (1).", "Webwinkel", "Grote storing"),
        *("Grote gevolgen", "21 juni 2022 08:34 CEST", "21 juni 2022 08:36 CEST", "cloudflarestatus.com"),
    ):
        assert fact in text
        assert fact in html


def test_the_subject_stays_the_same_for_the_life_of_an_incident(renderer: Renderer) -> None:
    subjects = {renderer.mail(NOTICES[kind][0], locale="nl", since=NOTICES[kind][1]).content.subject
                for kind in (MessageKind.OPENED, MessageKind.UPDATED, MessageKind.RESOLVED)}  # fmt: skip
    assert subjects == {"[Mijnwebwinkel] Verminderde performance"}


def test_a_subject_once_used_is_kept_when_the_title_is_edited(renderer: Renderer) -> None:
    first = renderer.subject(a_notice(), "nl")
    edited = a_notice(incident=replace(INCIDENT, title={"nl": "Iets heel anders"}))
    mail = renderer.mail(edited, locale="nl", since=0, subject=first)
    assert mail.content.subject == first
    assert "Iets heel anders" in mail.content.html


def test_times_are_those_of_the_reader(renderer: Renderer) -> None:
    assert "21 June 2022 07:36 BST" in received(renderer, a_notice(), "en", timezone="Europe/London")[1]
    assert "June 21, 2022 2:36\u00a0AM EDT" in received(renderer, a_notice(), "en", timezone="America/New_York")[2]
    assert "21. Juni 2022 08:36 MESZ" in received(renderer, a_notice(), "de", timezone="Mars/Olympus")[1]


def test_times_are_worked_out_once_per_zone(renderer: Renderer) -> None:
    mail = renderer.mail(a_notice(), locale="nl", since=0)
    assert mail.times("Europe/London") is mail.times("Europe/London")


def test_a_long_incident_lists_what_fits_and_says_how_many_it_leaves_out(renderer: Renderer) -> None:
    notice = a_notice(*(an_update(number) for number in range(1, 41)))
    _, text, html = received(renderer, notice, "nl")
    assert "en 10 eerdere updates" in text
    assert "en 10 eerdere updates" in html
    mail = renderer.mail(notice, locale="nl", since=0)
    assert len(a_recipient(renderer, mail).substitutions) <= 150


@pytest.mark.parametrize("locale", ["nl", "ar", "th"])
def test_thirty_updates_of_any_length_stay_under_sixty_kilobytes(renderer: Renderer, locale: str) -> None:
    link = "[Verweis](https://a.example.com/b?c=1&d=2)"
    body = f"Ein Absatz, der etwas länger ist, mit **Nachdruck** und {link}.\n\n- eins\n- zwei\n\n"
    for repeats in (1, 3, 40, 2000):
        notice = a_notice(*(an_update(number, body={"de": body * repeats}) for number in range(1, 31)))
        mail = renderer.mail(notice, locale=locale, since=0)
        recipient = a_recipient(
            renderer, mail, name="& " * 60, unsubscribe_url="https://status.example.com/u/" + "t" * 200
        )
        _, text, html = as_received(mail.content, recipient)
        assert len(html.encode()) < 60_000
        assert "/unsubscribe" in html or "/u/" in html
        assert sum(len(key.encode()) + len(value.encode()) for key, value in recipient.substitutions.items()) <= 10_000
        assert text.count("Ein Absatz") >= 1


def test_right_to_left_readers_get_a_right_to_left_mail(renderer: Renderer) -> None:
    html = received(renderer, a_notice_saying({"ar": "نلاحظ بطئًا، راجع https://a.example.com/x للمزيد."}), "ar")[2]
    found = outline(html)
    assert found.tags["html"][0]["dir"] == "rtl"
    assert found.tags["html"][0]["lang"] == "ar"
    assert (found.tags["div"][0]["dir"], found.tags["div"][0]["lang"]) == ("rtl", "ar")
    assert '<p dir="ltr" lang="en"' in html.replace('<p lang="en" dir="ltr"', '<p dir="ltr" lang="en"')
    assert re.search(
        r'<a [^>]*href="https://a.example.com/x"[^>]*dir="ltr"|<a dir="ltr"[^>]*https://a.example.com/x', html
    )
    assert 'align="right"' in html


@pytest.mark.parametrize("kind", MessageKind)
def test_the_html_part_can_be_read_by_everyone(renderer: Renderer, kind: MessageKind) -> None:
    notice, since = NOTICES[kind]
    html = received(renderer, notice, "nl", since)[2]
    found = outline(html)
    assert found.headings[0] == "h1"
    assert found.headings.count("h1") == 1
    assert found.tags["html"][0]["lang"] == "nl"
    assert "img" not in found.tags
    assert "script" not in found.tags
    assert "form" not in found.tags
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert html.index('class="preheader"') < html.index("<h1")
    for table in found.tags["table"]:
        assert table.get("role") == "presentation" or (table["class"] or "").startswith("facts")
    assert all(link.startswith(("https://", "http://")) for link in found.links)


def test_a_thread_is_one_for_all_mails_of_an_incident(renderer: Renderer) -> None:
    headers = [renderer.mail(notice, locale="nl", since=since).content.headers for notice, since in NOTICES.values()]
    threads = {header["References"] for header in headers}
    assert threads == {"<incident.inc-20220621@mijnwebwinkel.example>", "<incident.mnt-7@mijnwebwinkel.example>"}
    assert all(header["In-Reply-To"] == header["References"] for header in headers)
    assert headers[0]["List-Id"] == "Mijnwebwinkel <incidents.mijnwebwinkel.example>"
    assert headers[0]["Auto-Submitted"] == "auto-generated"
    assert headers[0]["Feedback-ID"].count(":") == 3


def test_each_recipient_has_their_own_unsubscribe_and_message_id(renderer: Renderer) -> None:
    mail = renderer.mail(a_notice(), locale="nl", since=0)
    headers = a_recipient(renderer, mail).headers
    assert headers == {
        "List-Unsubscribe": "<https://status.example.com/unsubscribe/tok-u>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Message-ID": "<dlv_01j0000000000000000000000_aaaaaaaaaaaaa@mijnwebwinkel.example>",
    }


def test_the_house_answers_where_it_says_so() -> None:
    brand: Brand = replace(BRAND, reply_to={"nl": "help@mijnwebwinkel.example"})
    content = a_renderer(brand).mail(a_notice(), locale="nl", since=0).content
    assert content.reply_to == Mailbox(email="help@mijnwebwinkel.example", name="Mijnwebwinkel")
    assert content.sender == Mailbox(email="storing@mijnwebwinkel.example", name="Mijnwebwinkel")


def test_a_mail_is_rendered_once_and_kept(renderer: Renderer) -> None:
    first = renderer.mail(a_notice(), locale="nl", since=0)
    assert renderer.mail(a_notice(), locale="nl", since=0) is first
    assert renderer.mail(a_notice_saying("Another text under the same id"), locale="nl", since=0) is not first


def test_an_incident_on_everything_says_the_whole_platform(renderer: Renderer) -> None:
    notice = a_notice(incident=replace(INCIDENT, components=()))
    assert "Het hele platform" in received(renderer, notice, "nl")[1]


def test_an_incident_whose_source_names_none_of_our_components_claims_nothing_about_any(renderer: Renderer) -> None:
    notice = a_notice(incident=replace(INCIDENT, components=(), components_known=False))
    _, text, html = received(renderer, notice, "en")
    page = renderer.incident_page(notice.incident, notice.updates, locale="en")
    post = renderer.post(notice, Account(name="a", platform=Platform.MASTODON, locale="en"), 0)
    for told in (text, html, page, post, renderer.card(notice, "en", 0).alt):
        assert "The whole platform" not in told
        assert "Affected" not in told
    assert "Severity: Major impact" in text
    assert "Major impact" in html
    sent = json.loads(renderer.webhook_body(notice, WebhookFormat.STANDARD, 0))["data"]["incident"]
    assert (sent["components"], sent["components_known"]) == ([], False)


def test_maintenance_says_from_when_to_when(renderer: Renderer) -> None:
    notice, _ = NOTICES[MessageKind.MAINTENANCE_SCHEDULED]
    text = received(renderer, notice, "nl")[1]
    assert "Begint: 24 juni 2022 08:34 CEST" in text
    assert "Eindigt: 24 juni 2022 10:34 CEST" in text
    assert MAINTENANCE.scheduled_for == START + timedelta(days=3)


@pytest.mark.parametrize(
    ("locale", "label", "was"),
    [
        ("nl", "Onderhoud verplaatst", "Verplaatst van: 22 juni 2022 08:34 \N{EN DASH} 10:34 CEST"),
        ("en", "Maintenance moved", "Moved from: 22 June 2022 08:34 \N{EN DASH} 10:34 CEST"),
        ("de", "Wartung verschoben", "Verschoben, bisher: 22. Juni 2022 08:34 \N{EN DASH} 10:34 MESZ"),
        ("fr", "Maintenance déplacée", "Déplacée, auparavant : 22 juin 2022 08:34 \N{EN DASH} 10:34 CEST"),
    ],
)
def test_maintenance_that_was_moved_says_so_with_both_times(
    renderer: Renderer, locale: str, label: str, was: str
) -> None:
    _, text, html = received(renderer, a_moved_notice(), locale, since=1)
    begins = renderer.mail(a_moved_notice(), locale=locale, since=1).times("Europe/Amsterdam").values()
    for part in (text, html):
        assert label in part
        assert was.partition(": ")[2] in part
        assert all(each in part for each in begins)
    assert was in " ".join(text.split())


def test_who_never_heard_of_the_first_time_is_told_of_no_move(renderer: Renderer) -> None:
    _, text, html = received(renderer, a_moved_notice(), "nl", since=0)
    assert "erplaatst" not in text + html
    assert "Gepland onderhoud" in text


def test_a_reader_in_new_york_gets_both_times_of_a_move_by_their_clock(renderer: Renderer) -> None:
    text = received(renderer, a_moved_notice(), "en", since=1, timezone="America/New_York")[1]
    assert "June 22, 2022 2:34\N{NO-BREAK SPACE}AM" in text
    assert "June 24, 2022 2:34\N{NO-BREAK SPACE}AM" in text


def test_work_that_takes_longer_says_what_its_end_was(renderer: Renderer) -> None:
    was = Window(START + timedelta(days=3), START + timedelta(days=3, hours=1))
    text = received(renderer, a_moved_notice(Status.IN_PROGRESS, was), "nl", since=1)[1]
    assert "Verplaatst van: 24 juni 2022 08:34 \N{EN DASH} 09:34 CEST" in text


@pytest.mark.parametrize("kind", [kind for kind in MessageKind if kind.startswith("maintenance")])
def test_planned_work_says_its_window_and_neither_severity_nor_since(renderer: Renderer, kind: MessageKind) -> None:
    notice, since = NOTICES[kind]
    notice = replace(notice, incident=replace(notice.incident, started_at=START))
    for part in received(renderer, notice, "nl", since)[1:]:
        assert "24 juni 2022 08:34" in part
        assert "10:34 CEST" in part
        assert "Ernst" not in part
        assert "Sinds" not in part
        assert "Bekijk dit onderhoud" in part
        assert "storing bekijken" not in part


def test_a_promise_of_the_next_update_is_made_by_the_readers_clock(renderer: Renderer) -> None:
    notice = a_notice(an_update(1, next_update_at=START + timedelta(hours=1)))
    for part in received(renderer, notice, "nl", timezone="America/New_York")[1:]:
        assert "Volgende update uiterlijk:" in part
        assert "21 juni 2022 03:34" in part


def test_a_thousand_recipients_cost_little(renderer: Renderer) -> None:
    mail = renderer.mail(a_notice(an_update(1), an_update(2)), locale="nl", since=0)
    a_recipient(renderer, mail)  # the first of a time zone words its times
    calls = calls_of(lambda: [a_recipient(renderer, mail) for _ in range(1000)])
    assert calls < 100 * 1000  # a rendering alone would call thousands


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", [kind for kind in MessageKind if kind.value.startswith("maintenance_")])
def test_every_mail_of_planned_work_links_its_calendar_file(renderer: Renderer, kind: MessageKind, locale: str) -> None:
    notice, since = NOTICES[kind]
    content = renderer.mail(notice, locale=locale, since=since).content
    address = f"/{locale}/incidents/{MAINTENANCE.id}.ics"
    assert address in content.text
    assert f'{address}"' in content.html


def test_mail_of_a_disruption_links_no_calendar_file(renderer: Renderer) -> None:
    content = renderer.mail(a_notice(), locale="en", since=0).content
    assert ".ics" not in content.text + content.html
