"""Parts of the Bluesky sender that need no server."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.channels.social.bluesky_record import can_reply, facets
from notifier.domain.messages.message import LinkSpan, PostReceipt

WORDS = ["#tag", "障害", "👨\u200d👩\u200d👧", "عطل", "cafe\u0301", "shop.example", "nos.nl", "(x)", "status.shop.ex…"]
LINK = "https://status.shop.example/de/incidents/inc-20260801-kasse#upd-3"


def marked(text: str, *links: str, spans: Sequence[LinkSpan] = ()) -> list[tuple[str, str]]:
    """Each marked stretch of the text, cut out by its bytes, and what it stands for."""
    raw = text.encode()
    found = []
    for facet in facets(text, links, spans):
        feature = facet.features[0]
        stretch = raw[facet.index.byte_start : facet.index.byte_end].decode()
        found.append((stretch, getattr(feature, "uri", None) or feature.tag))
    return found


def test_links_and_hashtags_are_marked_by_bytes() -> None:
    assert marked(f"🔴 Störung: {LINK} #Störung") == [(LINK, LINK), ("#Störung", "Störung")]


def test_a_link_shown_without_its_scheme_leads_to_the_whole_of_it() -> None:
    shown = LINK.removeprefix("https://")
    assert marked(f"Mehr: {shown}", LINK) == [(shown, LINK)]


def test_a_link_shown_cut_off_leads_to_the_whole_of_it() -> None:
    (found,) = marked("Mehr: status.shop.example/de/inc…", LINK)
    assert found[1] == LINK


def test_a_link_of_the_text_is_marked_once_where_the_library_would_mark_it_too() -> None:
    assert marked("Meer: nos.nl/storing", "https://nos.nl/storing") == [("nos.nl/storing", "https://nos.nl/storing")]


def test_a_link_whose_place_is_known_is_marked_there() -> None:
    text = "Störung: mehr hier #kasse"
    start = len("Störung: mehr ".encode())
    span = LinkSpan(start=start, end=start + len("hier"), url=LINK)
    assert marked(text, LINK, spans=[span]) == [("hier", LINK), ("#kasse", "kasse")]


def test_places_that_overlap_or_lie_outside_are_left_out() -> None:
    spans = [LinkSpan(start=start, end=end, url=LINK) for start, end in ((0, 4), (2, 6), (5, 5), (-1, 2), (6, 99))]
    assert marked("eins zwei", spans=spans) == [("eins", LINK)]


def test_a_link_to_this_machine_is_marked_too() -> None:
    url = "http://127.0.0.1:8025/nl/incidents/x"
    assert marked(f"Meer: {url}") == [(url, url)]


@settings(max_examples=100)
@given(st.lists(st.sampled_from([LINK, *WORDS]), max_size=8))
def test_marks_never_overlap_and_never_split_a_character(words: list[str]) -> None:
    text = " ".join(words)
    end = 0
    for facet in facets(text, [LINK]):
        assert facet.index.byte_start >= end
        end = facet.index.byte_end
        text.encode()[facet.index.byte_start : end].decode()
    assert end <= len(text.encode())


def test_a_reply_needs_address_and_content_id() -> None:
    assert can_reply(PostReceipt(id="at://d/c/k", extra={"cid": "b"}))
    assert not can_reply(PostReceipt(id="at://d/c/k"))
    assert not can_reply(PostReceipt(id="", extra={"cid": "b"}))
    assert not can_reply(None)
