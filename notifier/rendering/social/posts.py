"""Render social posts: status, title, essence and link, within the platform's limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jinja2 import Template

from notifier.domain.incidents.notice import MessageKind, Notice
from notifier.domain.messages.brand import Account
from notifier.domain.messages.message import LinkSpan
from notifier.domain.values import Platform
from notifier.rendering.datetimes import moment, span, zone
from notifier.rendering.environment import Templates
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.labels import MOVED, STATUS
from notifier.rendering.language import Language, pick, same_language
from notifier.rendering.social.post_links import Shown, harmless, locate, short_url, shown
from notifier.rendering.text.counting import Limit, limit_of
from notifier.rendering.text.markdown import to_text
from notifier.rendering.text.markup import without_markup
from notifier.rendering.text.sanitize import clean_line
from notifier.rendering.text.shortening import shorten

_MAX_SOURCE = 6_000  # characters of a body to use: twenty times the smallest limit
_FRAME_SHARE = 0.4  # the largest share of a shortened post for everything but the essence


@dataclass(frozen=True, slots=True)
class PostText:
    """A post's text and what its sender needs. Deterministic, on every machine and attempt.

    `reader` is the requested locale, `locale` the language of the text (the first of `languages`),
    `links` are all targets in order, `spans` their positions.
    """

    text: str
    reader: str
    locale: str
    links: tuple[str, ...]
    spans: tuple[LinkSpan, ...]
    shortened: bool
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a post for `post.txt`, which omits empty ones. `word` can replace the head.

    `when` is the maintenance window; it is never dropped.
    """

    head: str
    word: str
    when: str
    note: str
    essence: str
    hashtags: str
    closing: str


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Assembles parts and measures the result."""

    template: Template
    reader: Language
    limit: Limit

    def text(self, parts: _Parts) -> str:
        return self.template.render(
            reader=self.reader,
            head=parts.head,
            when=parts.when,
            note=parts.note,
            essence=parts.essence,
            hashtags=parts.hashtags,
            closing=parts.closing,
        ).strip()

    def used(self, parts: _Parts) -> float:
        return self.limit.used(self.text(parts))


class PostWriter:
    """Renders posts. Thread-safe."""

    def __init__(self, view: Storyteller, templates: Templates) -> None:
        self._view = view
        self._templates = templates

    def write_all(
        self, notice: Notice, account: Account, *, since: int, most: int | None = None
    ) -> tuple[PostText, ...]:
        """Render an account's posts: one in all languages if they fit, else a thread, one for each.

        Omits languages that the update is not written in, unless that leaves none. Arguments as for
        `write`.
        """
        languages = self._written(notice, account)
        single = tuple(
            self.write(notice, replace(account, locale=tag, locales=()), since=since, most=most) for tag in languages
        )
        if len(single) == 1:
            return single
        together = self._together(notice, account, languages, since=since, most=most)
        return (together,) if together is not None else single

    def _written(self, notice: Notice, account: Account) -> list[str]:
        """Return the account's languages that the lead update is written in; if none, the first."""
        default = self._view.brand.default_locale
        found = [tag for tag in account.languages if same_language(pick(notice.lead.body, tag, default)[0] or tag, tag)]
        return found or [account.languages[0]]

    def _together(
        self, notice: Notice, account: Account, languages: Sequence[str], *, since: int, most: int | None
    ) -> PostText | None:
        """Return one post with the languages one below the other; None if it would need cutting."""
        limit = limit_of(account.platform, most)
        template = self._templates.get(f"{notice.kind_for(since)}/post.txt")
        blocks: list[str] = []
        known: list[tuple[str, str]] = []
        for tag in languages:
            reader = self._view.languages[tag]
            essence = self._essence(notice, account, reader)
            parts = self._parts(notice, account, reader, tag, essence, since=since)
            if tag != languages[-1]:
                parts = replace(parts, hashtags="", closing="")
            elif limit.used("\n\n".join([*blocks, _Sheet(template, reader, limit).text(parts)])) > 1.0:
                parts = replace(parts, hashtags="")
            blocks.append(_Sheet(template, reader, limit).text(parts))
            known += essence.known
            if tag == languages[-1] and account.with_link:
                known.append((parts.closing, self._url(notice, reader)))
        text = "\n\n".join(blocks)
        if not limit.fits(text):
            return None
        spans = tuple(locate(text, known))
        tags = tuple(self._view.languages[tag].tag for tag in languages)
        links = tuple(span.url for span in spans)
        return PostText(
            text=text,
            reader=languages[0],
            locale=tags[0],
            links=links,
            spans=spans,
            shortened=False,
            languages=tags,
        )

    def _essence(self, notice: Notice, account: Account, reader: Language) -> Shown:
        body = pick(notice.lead.body, reader.tag, self._view.brand.default_locale)[1]
        return shown(to_text(body, limit=_MAX_SOURCE, targets=account.with_link), account.platform)

    def write(self, notice: Notice, account: Account, *, since: int, most: int | None = None) -> PostText:
        """Render the post of one notification for one account.

        Args:
            notice: The frozen content; the post is about its lead update.
            account: Platform, locale, and whether to add a link (X charges for it).
            since: The last notification the account posted; 0 for none.
            most: The limit of the instance or account, if it differs from the platform's usual one.
        """
        reader = self._view.languages[account.locale]
        template = self._templates.get(f"{notice.kind_for(since)}/post.txt")
        sheet = _Sheet(template, reader, limit_of(account.platform, most))
        locale, _ = pick(notice.lead.body, reader.tag, self._view.brand.default_locale)
        essence = self._essence(notice, account, reader)
        parts = self._parts(notice, account, reader, locale, essence, since=since)
        own_link = bool(essence.links) and self._is_unique(notice, reader)
        whole = next((variant for variant in _variants(parts, own_link=own_link) if sheet.used(variant) <= 1.0), None)
        text = sheet.text(whole or _shortened(sheet, parts, essence))
        known = [*essence.known, (parts.closing, self._url(notice, reader))] if account.with_link else essence.known
        spans = tuple(locate(text, known))
        tag = self._view.languages[locale or reader.tag].tag
        return PostText(
            text=text,
            reader=account.locale,
            locale=tag,
            languages=(tag,),
            links=tuple(span.url for span in spans),
            spans=spans,
            shortened=whole is None,
        )

    def _url(self, notice: Notice, reader: Language) -> str:
        return self._view.incident_url(notice.incident.id, reader.tag, notice.lead.id)

    def _parts(
        self, notice: Notice, account: Account, reader: Language, locale: str, essence: Shown, *, since: int
    ) -> _Parts:
        moved = notice.kind_for(since) is MessageKind.MAINTENANCE_MOVED
        word = reader.gettext(MOVED if moved else STATUS[notice.lead.status])
        foreign = bool(locale) and not same_language(locale, reader.tag)
        title = harmless(self._view.title(notice.incident, reader), account.platform)
        return _Parts(
            # i18n: the first line of a post, such as "Resolved: Payments are slow"
            head=reader.gettext("%(status)s: %(title)s") % {"status": word, "title": title},
            word=word,
            when=self._when(notice, reader, since=since),
            note=self._view.language_note(locale, reader) if foreign else "",
            essence=essence.text,
            # Only on the first post of a thread, the one found by search.
            hashtags=_hashtags(account) if since == 0 else "",
            closing=self._closing(notice, account, reader),
        )

    def _when(self, notice: Notice, reader: Language, *, since: int) -> str:
        """Return the maintenance window in the brand's time zone; empty for a disruption."""
        window, was = notice.incident.window, notice.moved_from(since)
        if window is None:
            return ""
        where = zone(self._view.brand.timezone, "UTC")
        times = span(window, reader.cldr, where)
        if notice.lead.status.is_over:
            return reader.gettext("%(label)s: %(value)s") % {"label": reader.gettext("Was planned for"), "value": times}
        if was is None:
            return times
        # i18n: the time of planned maintenance that was moved; both are written such as "8 March 2026 03:00 - 05:00"
        return reader.gettext("New time: %(new)s (moved from %(old)s)") % {
            "new": times,
            "old": span(was, reader.cldr, where),
        }

    def _closing(self, notice: Notice, account: Account, reader: Language) -> str:
        """Return a link or time that makes the text unique, because X refuses a repeated text."""
        if account.with_link:
            url = self._url(notice, reader)
            return short_url(url) if account.platform is Platform.BLUESKY else url
        return moment(notice.lead.posted_at, reader.cldr, zone(self._view.brand.timezone, "UTC"))

    def _is_unique(self, notice: Notice, reader: Language) -> bool:
        """Whether no other update of the episode has the same text in this language."""
        default = self._view.brand.default_locale
        bodies = [without_markup(pick(update.body, reader.tag, default)[1]).strip() for update in notice.updates]
        return bodies.count(bodies[-1]) == 1


def _hashtags(account: Account) -> str:
    return " ".join(f"#{clean_line(tag.removeprefix('#'), 50)}" for tag in account.hashtags)


def _variants(parts: _Parts, *, own_link: bool) -> Iterator[_Parts]:
    """Yield variants from complete to bare essence: drop the frame before cutting the essence."""
    yield parts
    parts = replace(parts, hashtags="")
    yield parts
    yield replace(parts, head=parts.word)
    yield replace(parts, head="")
    yield replace(parts, head="", note="")
    if own_link:  # the essence has a link, and its text is unique
        yield replace(parts, head="", note="", closing="")


def _shortened(sheet: _Sheet, parts: _Parts, essence: Shown) -> _Parts:
    """Cut the essence to fit the largest frame within `_FRAME_SHARE`."""
    bare = replace(parts, hashtags="")
    last = replace(bare, head="", note="")
    frames = (bare, replace(bare, head=bare.word), replace(bare, head=bare.word, note=""), last)
    frame = next((frame for frame in frames if sheet.used(replace(frame, essence="")) <= _FRAME_SHARE), last)
    cut = shorten(essence.text, essence.spans, lambda beginning: sheet.used(replace(frame, essence=beginning)))
    return replace(frame, essence=cut)
