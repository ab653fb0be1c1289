from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform
from notifier.rendering.renderer import Renderer
from notifier.rendering.social.posts import PostText
from tests.unit.rendering.samples import a_notice_saying


def an_account(platform: Platform = Platform.X, **changes: object) -> Account:
    values: dict[str, object] = {"name": f"{platform}-nl", "platform": platform, "locale": "nl"}
    return Account(**{**values, **changes})  # type: ignore[arg-type]


def write(renderer: Renderer, body: str, account: Account, **changes: object) -> PostText:
    return renderer.post_text(a_notice_saying({"nl": body}, **changes), account, 0)


def test_bluesky_shows_short_links_and_points_to_the_whole_ones(renderer: Renderer) -> None:
    long_link = "https://status.example.com/a/rather/long/path"
    post = write(renderer, f"Störung \U0001f534: {long_link} en meer.", an_account(Platform.BLUESKY))
    octets = post.text.encode()
    shown = [octets[span.start : span.end].decode() for span in post.spans]
    assert shown == ["status.example.com/a/rath\u2026", "status.example.com/nl/inc\u2026"]
    assert post.links == (long_link, "https://status.example.com/nl/incidents/inc-20220621#upd-1")


def test_x_mentions_nobody_by_accident_and_links_stay_whole(renderer: Renderer) -> None:
    link = "https://shop.example.com/?q=@wij&price=$EUR"
    post = write(renderer, f"Vraag @wij of info@shop.example naar $EUR en $USD: {link}", an_account())
    assert "@\u200bwij" in post.text
    assert "info@shop.example" in post.text
    assert "$\u200bEUR en $\u200bUSD" in post.text
    assert link in post.text
    assert link in post.links
