"""A reader's whole life in the browser: sign up, confirm by mail, choose, hear of an incident, leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from notifier.supervise.installation import Installation
from tests.e2e.visitor import Visitor, link_in, until


@dataclass(frozen=True)
class Words:
    locale: str
    sign_up: str
    choose: str
    sign_up_button: str
    sent: str
    subject: str
    confirm_link: str
    confirm: str
    confirm_button: str
    confirmed: str
    preferences: str
    component: str
    save: str
    saved: str
    unsubscribe: str
    title: str
    trouble: str
    one_incident: str
    all_button: str
    unsubscribed: str
    again: str
    back: str


NL = Words(
    locale="nl",
    sign_up="Berichten ontvangen",
    choose="Kies wat u wilt ontvangen",
    sign_up_button="Aanmelden",
    sent="Kijk in uw mailbox",
    subject="Bevestig uw aanmelding",
    confirm_link="Aanmelding bevestigen",
    confirm="Bevestig uw aanmelding",
    confirm_button="Ja, meld mij aan",
    confirmed="U bent aangemeld",
    preferences="Uw voorkeuren",
    component="Webwinkel",
    save="Opslaan",
    saved="Uw voorkeuren zijn opgeslagen.",
    unsubscribe="Afmelden",
    one_incident="Niets meer over deze storing",
    title="Webwinkels laden traag",
    trouble="Er is een storing",
    all_button="Ja, meld mij af",
    unsubscribed="U bent afgemeld",
    again="Stuur mij weer berichten",
    back="U krijgt weer berichten",
)
EN = Words(
    locale="en",
    sign_up="Get notified",
    choose="Choose what you want to receive",
    sign_up_button="Sign up",
    sent="Check your mailbox",
    subject="Please confirm your subscription",
    confirm_link="Confirm the subscription",
    confirm="Confirm your subscription",
    confirm_button="Yes, subscribe me",
    confirmed="You are subscribed",
    preferences="Your preferences",
    component="Storefront",
    save="Save",
    saved="Your preferences have been saved.",
    unsubscribe="Unsubscribe",
    one_incident="Nothing more about this incident",
    title="Shops load slowly",
    trouble="There is a problem",
    all_button="Yes, unsubscribe me",
    unsubscribed="You are unsubscribed",
    again="Send me messages again",
    back="You will receive messages again",
)


@pytest.fixture
def visitors(system: Installation, browser: Browser, axe: str) -> Iterator[Any]:
    made: list[Visitor] = []
    assert system.sandbox is not None
    origins = (system.url, system.sandbox)

    def make(locale: str, width: int, *, script: bool = True) -> Visitor:
        made.append(Visitor(browser, axe, origins, locale, width, script))
        return made[-1]

    yield make
    for visitor in made:
        visitor.close()


def mail_to(system: Installation, address: str, subject: str) -> dict[str, Any]:
    """The sandbox's mail to an address, once it is there."""
    path = f"/sandbox/api/mails?address={address}"
    found: dict[str, Any] = until(
        lambda: next((mail for mail in system.ask_sandbox("GET", path)["items"] if subject in mail["subject"]), None)
    )
    whole: dict[str, Any] = system.ask_sandbox("GET", f"/sandbox/api/mails/{found['id']}")
    return whole


def publish(system: Installation, name: str) -> None:
    posted = datetime.now(UTC) - timedelta(seconds=30)
    event = {
        "id": f"evt-{name}",
        "incident": {
            "id": f"inc-{name}",
            "title": {"nl": NL.title, "en": EN.title},
            "impact": "major",
            "components": [{"key": "storefront", "status": "partial_outage"}],
            "started_at": posted.isoformat(),
        },
        "update": {
            "id": f"upd-{name}",
            "status": "investigating",
            "body": {"nl": "We zoeken de **oorzaak**.", "en": "We are looking for the **cause**."},
            "posted_at": posted.isoformat(),
        },
    }
    assert system.call("POST", "/v1/events", event)["outcome"] == "accepted"


def state_of(system: Installation, address: str) -> str:
    people = system.call("GET", "/v1/subscribers?limit=100")["items"]
    (found,) = [person["state"] for person in people if person["email"] == address]
    return str(found)


def confirmation_link(visitor: Visitor, system: Installation, address: str, words: Words) -> str:
    """Find the mail in the sandbox's inbox, as a person would, and read where its button leads."""
    mail_to(system, address, words.subject)
    visitor.go(f"{system.sandbox}/inbox?address={address}")
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name=words.subject).first.click()
    letter = visitor.page.frame_locator("iframe.letter")
    href = letter.get_by_role("link", name=words.confirm_link).get_attribute("href")
    assert href is not None
    return str(href)


def signs_up(visitor: Visitor, words: Words, address: str) -> None:
    page = visitor.page
    visitor.go(f"/{words.locale}/subscribe")
    visitor.sees(words.sign_up)
    page.locator("#email").fill("nobody")
    visitor.press(words.sign_up_button)
    assert page.locator("#email").get_attribute("aria-invalid") == "true"
    visitor.sees(words.sign_up)
    page.locator("#email").fill(address)
    page.get_by_text(words.choose).click()
    page.get_by_label(words.component).check()
    assert visitor.faults() == []
    visitor.press(words.sign_up_button)
    visitor.sees(words.sent)


def confirms(visitor: Visitor, system: Installation, words: Words, address: str) -> None:
    visitor.go(confirmation_link(visitor, system, address, words))
    visitor.sees(words.confirm)
    assert state_of(system, address) == "pending"
    visitor.press(words.confirm_button)
    visitor.sees(words.confirmed)
    assert state_of(system, address) == "active"


def chooses(visitor: Visitor, words: Words) -> None:
    page = visitor.page
    visitor.press(words.preferences)
    visitor.sees(words.preferences)
    assert page.get_by_label(words.component).is_checked()
    page.locator("#quiet_from").fill("22:00")
    visitor.press(words.save)
    visitor.sees(words.preferences)
    assert page.get_by_role("alert").is_visible()
    page.locator("#quiet_from").fill("")
    page.locator("#quiet_to").fill("")
    page.locator("#updates").select_option("milestones")
    visitor.press(words.save)
    assert page.get_by_role("status").inner_text() == words.saved
    visitor.sees(words.preferences)


def leaves(visitor: Visitor, system: Installation, words: Words, address: str) -> None:
    publish(system, words.locale)
    visitor.go(f"/{words.locale}/")
    visitor.sees(words.trouble)
    mail = mail_to(system, address, words.title)
    visitor.go(link_in(mail["text"], f"{words.locale}/incidents"))
    visitor.sees(words.title)
    visitor.go(link_in(mail["text"], "unsubscribe"))
    visitor.sees(words.unsubscribe)
    assert state_of(system, address) == "active"
    visitor.press(words.one_incident)
    visitor.sees(words.one_incident)
    assert state_of(system, address) == "active"
    visitor.go(link_in(mail["text"], "unsubscribe"))
    visitor.press(words.all_button)
    visitor.sees(words.unsubscribed)
    assert state_of(system, address) == "unsubscribed"
    visitor.press(words.again)
    visitor.sees(words.back)
    assert state_of(system, address) == "active"


@pytest.mark.parametrize(("words", "width"), [(NL, 360), (EN, 1280)], ids=["nl", "en"])
def test_a_reader_signs_up_confirms_chooses_and_leaves(
    system: Installation, visitors: Any, words: Words, width: int
) -> None:
    visitor, address = visitors(words.locale, width), f"reader-{words.locale}@shop.example"
    signs_up(visitor, words, address)
    confirms(visitor, system, words, address)
    chooses(visitor, words)
    leaves(visitor, system, words, address)
    assert visitor.cookies() == []


def test_everything_works_without_script(system: Installation, visitors: Any) -> None:
    visitor, address = visitors("en", 360, script=False), "quiet@shop.example"
    signs_up(visitor, EN, address)
    visitor.go(link_in(mail_to(system, address, EN.subject)["text"], "confirm"))
    visitor.press(EN.confirm_button)
    chooses(visitor, EN)
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download my data").click()
    assert address in Path(download.value.path()).read_text(encoding="utf-8")
    visitor.press("Erase my data")
    visitor.sees("Erase my data")
    visitor.press("Yes, erase everything")
    visitor.sees("Your data has been erased")
    assert address not in str(system.call("GET", "/v1/subscribers?limit=100"))


@pytest.mark.parametrize(("locale", "heading"), [("de", "Nachrichten erhalten"), ("fr", "Être prévenu")])
def test_the_public_pages_shut_nobody_out_in_the_other_languages(visitors: Any, locale: str, heading: str) -> None:
    visitor = visitors(locale, 360)
    visitor.go(f"/{locale}/")
    assert visitor.faults() == []
    visitor.press(heading)
    visitor.sees(heading)
