"""One account, two languages: both in one post where they fit, else a thread of two, each a whole post of its own."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform
from notifier.rendering.renderer import Renderer
from notifier.rendering.text.counting import limit_of
from tests.unit.rendering.samples import a_notice_saying

WORDS = st.lists(
    st.sampled_from(["storing. ", "Betalingen ", "障害 ", "🔴 ", "status.example.com/x ", "e\u0301"]), max_size=60
)


def an_account(platform: Platform = Platform.X, **changes: object) -> Account:
    values = {"name": "both", "platform": platform, "locale": "nl", "locales": ("nl", "en"), **changes}
    return Account(**values)  # type: ignore[arg-type]


def test_two_languages_share_a_post_where_they_fit(renderer: Renderer) -> None:
    (post,) = renderer.post_texts(a_notice_saying({"nl": "Even geduld.", "en": "Bear with us."}), an_account(), 0)
    assert post.text == (
        "In onderzoek: Verminderde performance\n\nEven geduld.\n\nInvestigating: Degraded performance\n\nBear with us."
        "\n\nhttps://status.example.com/en/incidents/inc-20220621#upd-1"
    )
    assert post.languages == ("nl", "en")
    assert post.locale == "nl"


def test_two_languages_that_do_not_fit_are_two_posts(renderer: Renderer) -> None:
    bodies = {"nl": "Betalingen zijn traag. " * 8, "en": "Payments are slow. " * 8}
    first, second = renderer.post_texts(a_notice_saying(bodies), an_account(), 0)
    assert first.text.startswith("In onderzoek")
    assert second.text.startswith("Investigating")
    assert (first.languages, second.languages) == (("nl",), ("en",))
    assert not first.shortened
    assert first.text != second.text


def test_a_language_nobody_wrote_in_is_left_out(renderer: Renderer) -> None:
    (post,) = renderer.post_texts(a_notice_saying({"en": "Bear with us."}), an_account(), 0)
    assert post.text.startswith("Investigating")
    assert "translation" not in post.text


def test_without_any_of_its_languages_the_first_one_says_so(renderer: Renderer) -> None:
    (post,) = renderer.post_texts(a_notice_saying({"de": "Bitte warten."}), an_account(), 0)
    assert post.text.startswith("In onderzoek")
    assert "Duits" in post.text
    assert post.reader == "nl"


def test_hashtags_stand_on_the_first_post_of_a_thread_only(renderer: Renderer) -> None:
    account = an_account(hashtags=("storing",))
    notice = a_notice_saying({"nl": "Even geduld.", "en": "Bear with us."})
    assert "#storing" in renderer.post_texts(notice, account, 0)[-1].text
    assert "#storing" not in renderer.post_texts(notice, account, 1)[-1].text


@pytest.mark.parametrize("platform", Platform)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dutch=WORDS, english=WORDS)
def test_nothing_bilingual_exceeds_a_limit_and_every_link_is_where_it_is_said_to_be(
    renderer: Renderer, platform: Platform, dutch: list[str], english: list[str]
) -> None:
    notice = a_notice_saying({"nl": "".join(dutch), "en": "".join(english)})
    for post in renderer.post_texts(notice, an_account(platform), 0):
        assert limit_of(platform).fits(post.text)
        for span in post.spans:
            assert post.text.encode()[span.start : span.end].decode()
