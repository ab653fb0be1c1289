"""What a post says, and that it always fits."""

from dataclasses import replace

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.domain.incidents.notice import Notice
from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform, Status
from notifier.rendering.renderer import Renderer
from notifier.rendering.social.posts import PostText
from notifier.rendering.text.counting import limit_of
from notifier.sandbox.mastodon.length import length
from notifier.sandbox.text import graphemes
from notifier.sandbox.x.weight import weigh
from tests.unit.rendering.samples import MAINTENANCE, a_moved_notice, a_notice, a_notice_saying, a_renderer, an_update

# As it was posted on 21 June 2022: 252 characters and a link come to 276 of the 280 that X allows.
LINK = "https://www.cloudflarestatus.com/"

SECOND_UPDATE = (
    "Cloudflare heeft wereldwijd een storing en zoekt naar de oorzaak. Webwinkels en beheeromgeving zijn daardoor op "
    "dit moment niet bereikbaar. Wij gebruiken Cloudflare tegen aanvallen en voor certificaten, en kunnen er niet "
    "omheen. Volg de storing ook via"
)

SENTENCE = "Betalingen lopen langzamer dan normaal. "


def an_account(platform: Platform = Platform.X, **changes: object) -> Account:
    values: dict[str, object] = {"name": f"{platform}-nl", "platform": platform, "locale": "nl"}
    return Account(**{**values, **changes})  # type: ignore[arg-type]


def write(renderer: Renderer, body: str, account: Account, **changes: object) -> PostText:
    return renderer.post_text(a_notice_saying({"nl": body}, **changes), account, 0)


def test_a_post_says_status_title_essence_and_where_to_read_on(renderer: Renderer) -> None:
    text = renderer.post(a_notice(), an_account(), 0)
    assert text == (
        "In onderzoek: Verminderde performance\n\nWe zoeken de oorzaak (1).\n\n"
        "https://status.example.com/nl/incidents/inc-20220621#upd-1"
    )


def test_the_dutch_second_update_fits_without_a_prefix(renderer: Renderer) -> None:
    post = write(renderer, f"{SECOND_UPDATE} {LINK}", an_account())
    assert len(SECOND_UPDATE) == 252
    assert limit_of(Platform.X).measure(post.text) == 276
    assert post.text == f"{SECOND_UPDATE} {LINK}"
    assert not post.shortened


def test_the_prefix_goes_before_a_word_of_the_essence_does(renderer: Renderer) -> None:
    essence = "x" * 243 + " einde."
    post = write(renderer, essence, an_account())
    assert essence in post.text
    assert not post.text.startswith("In onderzoek")
    assert post.text.endswith("#upd-1")


def test_the_status_word_stays_when_only_the_title_is_too_long(renderer: Renderer) -> None:
    essence = "x" * 220
    assert write(renderer, essence, an_account()).text.startswith("In onderzoek\n\n")


def test_two_updates_that_say_the_same_are_two_different_posts(renderer: Renderer) -> None:
    body = {"nl": f"{SECOND_UPDATE} {LINK}"}
    first, second = an_update(1, body=body), an_update(2, body=body)
    texts = {renderer.post(notice, an_account(), 0) for notice in (a_notice(first), a_notice(first, second))}
    assert len(texts) == 2


def test_without_a_link_the_time_makes_a_post_unique(renderer: Renderer) -> None:
    account = an_account(with_link=False)
    post = write(renderer, "Zie [onze uitleg](https://status.example.com/uitleg).", account)
    assert "http" not in post.text
    assert post.text.endswith("21 juni 2022 08:36 CEST")
    assert post.links == ()


def test_a_missing_translation_is_owned_up_to(renderer: Renderer) -> None:
    post = renderer.post_text(a_notice_saying("We are looking for the cause."), an_account(locale="de"), 0)
    assert "Dieser Text ist auf Englisch" in post.text
    assert post.locale == "en"


def test_hashtags_come_only_where_there_is_room(renderer: Renderer) -> None:
    account = an_account(hashtags=("#storing",))
    assert "#storing" in write(renderer, "Kort.", account).text
    assert "#storing" not in write(renderer, SENTENCE * 6, account).text


def test_the_same_notice_gives_the_same_bytes(renderer: Renderer) -> None:
    notice, account = a_notice_saying({"nl": SENTENCE * 30}), an_account()
    assert a_renderer().post_text(notice, account, 0) == renderer.post_text(notice, account, 0)


def test_a_postmortem_becomes_a_summary_that_ends_with_a_sentence(renderer: Renderer) -> None:
    body = "".join(f"Dit is zin nummer {number} van de terugblik. " for number in range(60))
    post = write(renderer, body, an_account(Platform.MASTODON), status=Status.POSTMORTEM)
    assert post.shortened
    assert post.text.startswith("Terugblik: Verminderde performance\n\nDit is zin nummer 0")
    assert regex.search(r"terugblik\. \u2026\n\nhttps://\S+$", post.text)


def test_nothing_is_cut_inside_a_word(renderer: Renderer) -> None:
    words = " ".join(f"woord{number:03}" for number in range(100))
    essence = write(renderer, words, an_account()).text.split("\n\n")[1]
    assert regex.fullmatch(r"(?:woord\d{3} )+woord\d{3}\u2026", essence)


def test_nothing_is_cut_inside_a_link(renderer: Renderer) -> None:
    links = " ".join(f"https://status.example.com/a/rather/long/path/number/{number}" for number in range(30))
    for platform in Platform:
        post = write(renderer, links, an_account(platform))
        assert all(link in links or link.endswith("#upd-1") for link in post.links)
        assert post.shortened


def test_a_german_date_is_not_the_end_of_a_sentence(renderer: Renderer) -> None:
    body = "Wir arbeiten weiter. " + "Am 21. Juni war die Plattform " + "lange gestört " * 40
    assert not regex.search(r"21\. \u2026", write(renderer, body, an_account()).text)


@pytest.mark.parametrize("platform", Platform)
def test_scripts_without_blanks_fill_the_post_too(renderer: Renderer, platform: Platform) -> None:
    for body in ("障害が発生しています。" * 60, "ข้อผิดพลาดในการชำระเงิน" * 60, "x" * 900):
        post = write(renderer, body, an_account(platform))
        assert 0.9 <= limit_of(platform).used(post.text) <= 1.0


def test_mastodon_mentions_nobody_by_accident(renderer: Renderer) -> None:
    post = write(
        renderer, "Stel @media in op info@example.com, zie https://a.example.com/@wij.", an_account(Platform.MASTODON)
    )
    assert "@media" not in post.text
    assert "info@example.com" in post.text
    assert "https://a.example.com/@wij" in post.text


def test_an_incident_without_any_text_is_still_told(renderer: Renderer) -> None:
    assert renderer.post(a_notice_saying({}), an_account(), 0).startswith(
        "In onderzoek: Verminderde performance\n\nhttps"
    )


# The sandboxes count by code of their own, written from the same sources.
COUNTED_APART = {Platform.X: weigh, Platform.MASTODON: length, Platform.BLUESKY: graphemes}

PIECES = st.sampled_from(
    [
        *(
            "storing ",
            "Betalingen lopen langzaam. ",
            "de ",
            "a",
            "\u00e9",
            "e\u0301",
            "\n\n",
            "- ",
            "21. Juni ",
            "!?",
            ", ",
        ),
        *(
            "\U0001f534",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f1f3\U0001f1f1",
            "1\u20e3",
            "\u2026",
            "\u20ac 10 ",
        ),
        *("障害が発生しています。", "장애 ", "عطل في الدفع ", "ข้อผิดพลาด ", "त्रुटि "),
        *("https://status.example.com/i/abc?x=1 ", "(https://www.cloudflarestatus.com/)", "status.example.com/x "),
        *("notes.md ", "node.js", "@wij ", "#storing ", "**vet** ", "[tekst](https://a.example.com/b) ", "&amp; "),
        *("<b>", "\u202e", "\x00", "\ufeff", "x" * 45),
    ]
)

BODIES = st.lists(PIECES, min_size=1, max_size=160).map("".join)


@pytest.mark.parametrize("platform", Platform)
@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, with_link=st.booleans(), foreign=st.booleans())
def test_no_text_ever_exceeds_the_limit_and_a_cut_one_uses_nine_tenths(
    renderer: Renderer, platform: Platform, *, body: str, with_link: bool, foreign: bool
) -> None:
    notice: Notice = a_notice_saying({"en" if foreign else "nl": body})
    post = renderer.post_text(notice, an_account(platform, with_link=with_link), 0)
    limit = limit_of(platform)
    assert limit.used(post.text) <= 1.0
    assert COUNTED_APART[platform](post.text) <= limit.most
    assert post.text
    if post.shortened:
        assert limit.used(post.text) >= 0.9
    for span in post.spans:
        assert post.text.encode()[span.start : span.end].decode()


def test_a_title_mentions_nobody_either(renderer: Renderer) -> None:
    notice = a_notice_saying({"nl": "Even geduld."})
    titled = replace(notice, incident=replace(notice.incident, title={"nl": "Storing bij @bank"}))
    assert "@\u200bbank" in renderer.post(titled, an_account(), 0)


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("words", [1, 40, 4_000])
def test_a_post_of_planned_work_never_leaves_its_window_out(renderer: Renderer, platform: Platform, words: int) -> None:
    notice = a_moved_notice()
    told = replace(notice, updates=(*notice.updates[:-1], replace(notice.lead, body={"nl": "woord " * words})))
    text = renderer.post_text(told, an_account(platform), 1).text
    assert (
        "24 juni 2022 08:34 \N{EN DASH} 10:34 CEST (verplaatst van 22 juni 2022 08:34 \N{EN DASH} 10:34 CEST)" in text
    )
    assert limit_of(platform, None).fits(text)


def test_a_post_that_calls_planned_work_off_says_what_was_planned(renderer: Renderer) -> None:
    updates = an_update(1, status=Status.SCHEDULED), an_update(2, status=Status.CANCELED)
    text = renderer.post_text(a_notice(*updates, incident=MAINTENANCE), an_account(), 1).text
    assert text.startswith("Geannuleerd: Verminderde performance\n\nWas gepland voor: 24 juni 2022 08:34")
