"""Posts on social media: status word, title, essence, link, within what the platform allows as it counts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from notifier.domain.house import Account
from notifier.domain.message import LinkSpan
from notifier.domain.notice import MessageKind, Notice
from notifier.domain.values import Platform
from notifier.rendering.cleaning import ELLIPSIS, clean_line
from notifier.rendering.counting import Limit, limit_of
from notifier.rendering.environment import Templates
from notifier.rendering.language import Language, pick, same_language
from notifier.rendering.links import Link, find_links
from notifier.rendering.markdown import to_text
from notifier.rendering.moments import moment, zone
from notifier.rendering.shortening import shorten
from notifier.rendering.story import Storyteller
from notifier.rendering.wording import STATUS

_MAX_SOURCE = 6_000  # characters of a body looked at: twenty times the smallest limit
_HEAD_SHARE = 0.35  # a shortened post spends at most this share on what stands above the essence
_SHOWN_URL = 26  # graphemes of a link on Bluesky, where a facet carries the whole
_ACCIDENTAL_MENTION = re.compile(r"(?<![\w/.])@(?=\w)")
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class PostText:
    """A post's text with what its sender needs. Equal input gives equal bytes, on every machine and every attempt.

    `locale` is the language the text is in, `links` are all targets in reading order, `spans` where they show.
    """

    text: str
    locale: str
    links: tuple[str, ...]
    spans: tuple[LinkSpan, ...]
    shortened: bool


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a post is made of; empty strings are left out."""

    head: str
    note: str
    essence: str
    hashtags: str
    closing: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text as the platform shows it, and where its links lead: (start, end) in code points, target."""

    text: str
    links: tuple[Link, ...]
    targets: tuple[str, ...]

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [(link.start, link.end) for link in self.links]


class PostWriter:
    """Writes posts. Safe to share between threads."""

    def __init__(self, story: Storyteller, templates: Templates) -> None:
        self._story = story
        self._templates = templates

    def write(self, notice: Notice, account: Account, *, since: int, most: int | None = None) -> PostText:
        """Write the post of one notification for one account.

        Args:
            notice: The frozen content; its leading update is what the post is about.
            account: Platform, locale, and whether a link is worth its price.
            since: Notification that the account announced last; 0 for none.
            most: The limit where the instance or account has another than the platform's usual.
        """
        kind, limit = notice.kind_for(since), limit_of(account.platform, most)
        reader = self._story.languages[account.locale]
        locale, body = pick(notice.lead.body, reader.tag, self._story.brand.default_locale)
        essence = _shown(to_text(body, limit=_MAX_SOURCE, targets=account.with_link), account.platform)
        full = self._parts(notice, account, reader, locale, essence.text)
        text, shortened = self._fit(kind, reader, full, essence, limit, self._is_unique(notice, reader))
        closing = self._story.incident_url(notice.incident.id, reader.tag, notice.lead.id) if account.with_link else ""
        known = [*zip((essence.text[start:end] for start, end in essence.spans), essence.targets, strict=True)]
        spans = tuple(_locate(text, [*known, (full.closing, closing)] if closing else known))
        return PostText(
            text=text,
            locale=self._story.languages[locale or reader.tag].tag,
            links=tuple(span.url for span in spans),
            spans=spans,
            shortened=shortened,
        )

    def _parts(self, notice: Notice, account: Account, reader: Language, locale: str, essence: str) -> _Parts:
        word = reader.gettext(STATUS[notice.lead.status])
        title = self._story.title(notice.incident, reader)
        foreign = bool(locale) and not same_language(locale, reader.tag)
        return _Parts(
            head=f"{word}: {title}",
            note=self._story.language_note(locale, reader) if foreign else "",
            essence=essence,
            hashtags=" ".join(clean_line(hashtag, 50) for hashtag in account.hashtags),
            closing=self._closing(notice, account, reader),
        )

    def _closing(self, notice: Notice, account: Account, reader: Language) -> str:
        """What makes the text unique among the account's posts, for X refuses a text it has seen."""
        if account.with_link:
            url = self._story.incident_url(notice.incident.id, reader.tag, notice.lead.id)
            return _shown(url, account.platform).text
        where = zone(self._story.brand.timezone, "UTC")
        return moment(notice.lead.posted_at, reader.cldr, where)

    def _is_unique(self, notice: Notice, reader: Language) -> bool:
        """Whether no other update of the round says the same in this language."""
        default = self._story.brand.default_locale
        bodies = [pick(update.body, reader.tag, default)[1].strip() for update in notice.updates]
        return bodies.count(bodies[-1]) == 1

    def _fit(
        self, kind: MessageKind, reader: Language, full: _Parts, essence: _Shown, limit: Limit, unique: bool  # noqa: FBT001
    ) -> tuple[str, bool]:
        for parts in _variants(full, own_link=bool(essence.links) and unique):
            text = self._assemble(kind, reader, parts)
            if limit.fits(text):
                return text, False
        frame = self._frame(kind, reader, full, limit)

        def used(beginning: str) -> float:
            return limit.used(self._assemble(kind, reader, replace(frame, essence=beginning)))

        cut = shorten(essence.text, essence.spans, used)
        return self._assemble(kind, reader, replace(frame, essence=cut)), True

    def _frame(self, kind: MessageKind, reader: Language, full: _Parts, limit: Limit) -> _Parts:
        """What stands around a shortened essence: as much as leaves most of the post to it."""
        bare = replace(full, essence="", hashtags="")
        word = full.head.partition(":")[0]
        for frame in (bare, replace(bare, head=word), replace(bare, head=word, note=""), replace(bare, head="", note="")):
            if limit.used(self._assemble(kind, reader, frame)) <= _HEAD_SHARE:
                return frame
        return replace(bare, head="", note="")

    def _assemble(self, kind: MessageKind, reader: Language, parts: _Parts) -> str:
        context = {
            "head": parts.head,
            "note": parts.note,
            "essence": parts.essence,
            "hashtags": parts.hashtags,
            "closing": parts.closing,
        }
        return self._templates.render(f"{kind}/post.txt", reader, context).strip()


def _variants(full: _Parts, *, own_link: bool) -> Iterator[_Parts]:
    """From everything to the bare essence: dropping the frame comes before cutting what was written."""
    word = full.head.partition(":")[0]
    yield full
    yield replace(full, hashtags="")
    yield replace(full, hashtags="", head=word)
    yield replace(full, hashtags="", head="")
    yield replace(full, hashtags="", head="", note="")
    if own_link:  # it leads somewhere by itself, and its text cannot be taken for another post
        yield replace(full, hashtags="", head="", note="", closing="")


def _shown(text: str, platform: Platform) -> _Shown:
    """Bring a text into the platform's form: short links on Bluesky, no accidental mention on Mastodon."""
    if platform is Platform.MASTODON:
        text = _ACCIDENTAL_MENTION.sub(f"@{_ZERO_WIDTH_SPACE}", text)
    found = find_links(text, bare=platform is not Platform.MASTODON)
    if platform is not Platform.BLUESKY:
        return _Shown(text, tuple(found), tuple(link.target for link in found))
    pieces: list[str] = []
    links: list[Link] = []
    position = 0
    for link in found:
        pieces.append(text[position : link.start])
        start, shown = sum(map(len, pieces)), _short_url(link.text)
        links.append(Link(start, start + len(shown), shown))
        pieces.append(shown)
        position = link.end
    pieces.append(text[position:])
    return _Shown("".join(pieces), tuple(links), tuple(link.target for link in found))


def _short_url(url: str) -> str:
    """Show a link as readers of Bluesky know them: without scheme, its end cut."""
    bare = re.sub(r"^https?://(?:www\.)?", "", url, flags=re.IGNORECASE).rstrip("/")
    return bare if len(bare) <= _SHOWN_URL else bare[: _SHOWN_URL - 1] + ELLIPSIS


def _locate(text: str, known: Sequence[tuple[str, str]]) -> Iterator[LinkSpan]:
    """Find shown links in reading order; offsets in bytes of UTF-8 (app.bsky.richtext.facet#byteSlice)."""
    position = 0
    for shown, target in known:
        start = text.find(shown, position)
        if start < 0:
            continue  # cut off with the end of the text
        position = start + len(shown)
        first = len(text[:start].encode())
        yield LinkSpan(start=first, end=first + len(shown.encode()), url=target)


def facets(spans: Sequence[LinkSpan]) -> list[dict[str, object]]:
    """Write link spans as Bluesky's record wants them."""
    return [
        {
            "index": {"byteStart": span.start, "byteEnd": span.end},
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": span.url}],
        }
        for span in spans
    ]
