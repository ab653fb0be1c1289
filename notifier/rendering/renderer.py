"""The interface of this package: one object that renders every message."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate
from notifier.domain.incidents.platform_status import PublicTimeline
from notifier.domain.messages.brand import Account, Brand, Component
from notifier.domain.messages.message import MailContent, MailRecipient
from notifier.domain.values import WebhookFormat
from notifier.rendering.cards.card_words import CardWords, CardWriter
from notifier.rendering.environment import Templates
from notifier.rendering.example import an_example
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.language import Languages
from notifier.rendering.mail.account_mail import AccountMailRenderer, AccountMessage
from notifier.rendering.mail.incident_mail import MailRenderer, RenderedMail
from notifier.rendering.social.posts import PostText, PostWriter
from notifier.rendering.web.calendar_file import CalendarFiles
from notifier.rendering.web.pages import PageRenderer
from notifier.rendering.web.status_page import StatusPages
from notifier.rendering.webhook.payloads import PayloadBuilder

_KEPT_MAILS = 256


class Renderer:
    """Renders every message in the reader's language. Thread-safe; caches templates and catalogues.

    Args:
        brand: The sender of the messages.
        components: The configured components, for their names.
        public_url: Base of every link, without a path.
        templates_dir: `resources.templates_dir()`.
        locales_dir: `resources.locales_dir()`.
        own_templates: The operator's folder; its files replace bundled ones of the same name.
        strict: Raise an error in an operator's template instead of using the bundled one.
    """

    def __init__(
        self,
        brand: Brand,
        components: Sequence[Component],
        public_url: str,
        templates_dir: Path,
        locales_dir: Path,
        *,
        own_templates: Path | None = None,
        strict: bool = False,
    ) -> None:
        self._brand = brand
        self._languages = Languages(locales_dir, brand.default_locale, brand.locales)
        self._templates = Templates(templates_dir, own_templates, strict=strict)
        self._view = Storyteller(brand, components, self._languages, public_url)
        self._mails = MailRenderer(self._view, self._templates)
        self._posts = PostWriter(self._view, self._templates)
        self._cards = CardWriter(self._view)
        self._payloads = PayloadBuilder(self._view, public_url)
        self._account_mails = AccountMailRenderer(self._view, self._templates)
        self._pages = PageRenderer(self._view, self._templates)
        self._calendar = CalendarFiles(self._view)
        self._status = StatusPages(self._view, self._pages)
        self._kept: dict[tuple[str, str, int, str | None], RenderedMail] = {}
        self._lock = Lock()

    def warm(self, now: datetime) -> None:
        """Render an example in every locale, to load templates and CLDR data ahead of an incident.

        `now`: any aware time.
        """
        example = an_example(now)
        for locale in self._brand.locales:
            self._mails.render(example, locale=locale, since=0).times(self._brand.timezone)

    def subject(self, notice: Notice, locale: str) -> str:
        """Return the mail subject, from the incident's title. Store it and pass it to `mail`."""
        return self._mails.subject(notice, locale)

    def mail(self, notice: Notice, *, locale: str, since: int, subject: str | None = None) -> RenderedMail:
        """Render the mail for recipients of a locale last reached by `since` (0: none).

        Caches the last few hundred, so that a notification's thousand batches need one rendering
        per process.
        """
        key = (notice.id, locale, since, subject)
        kept = self._kept.get(key)
        if kept is not None and (kept.notice is notice or kept.notice == notice):
            return kept
        rendered = self._mails.render(notice, locale=locale, since=since, subject=subject)
        with self._lock:
            if len(self._kept) >= _KEPT_MAILS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = rendered
        return rendered

    def personal(
        self,
        mail: RenderedMail,
        *,
        delivery_id: str,
        address: str,
        name: str,
        timezone: str,
        unsubscribe_url: str,
        preferences_url: str,
    ) -> MailRecipient:
        """Return one recipient's part of a mail: greeting, times in their zone, links, headers."""
        return mail.personal(delivery_id, address, name, timezone, (unsubscribe_url, preferences_url))

    def post(self, notice: Notice, account: Account, since: int) -> str:
        """Return the text of a post; see `post_text`."""
        return self.post_text(notice, account, since).text

    def post_text(self, notice: Notice, account: Account, since: int, *, most: int | None = None) -> PostText:
        """Render a post within its platform's limit: the same bytes on every attempt.

        Args:
            notice: The notice to post.
            account: Platform, locale, and whether to add a link.
            since: The last notification this account posted; 0 for none.
            most: The limit of the instance or account, if it differs from the platform's usual one.
        """
        return self._posts.write(notice, account, since=since, most=most)

    def post_texts(
        self, notice: Notice, account: Account, since: int, *, most: int | None = None
    ) -> tuple[PostText, ...]:
        """Render an account's posts: one, or one per language. Arguments as for `post_text`."""
        return self._posts.write_all(notice, account, since=since, most=most)

    def card(self, notice: Notice, locale: str, since: int) -> CardWords:
        """Return the text of a post's picture; `cards.drawing.paint` draws it."""
        return self._cards.write(notice, locale, since=since)

    def webhook_body(self, notice: Notice, format_: WebhookFormat, since: int, *, is_replay: bool = False) -> bytes:
        """Build the body, in all languages, for endpoints last reached by `since` (0: none)."""
        return self._payloads.body(notice, format_, since, is_replay=is_replay)

    def webhook_test_body(self, format_: WebhookFormat, test_id: str, now: datetime) -> bytes:
        """Build the body of an `endpoint.test` message."""
        return self._payloads.test_body(format_, test_id, now)

    def account_mail(self, message: AccountMessage, *, locale: str, timezone: str, name: str) -> MailContent:
        """Render a complete mail, without tags, about a subscription or an endpoint."""
        return self._account_mails.render(message, locale=locale, timezone=timezone, name=name)

    def page(self, name: str, locale: str, context: Mapping[str, Any], *, timezone: str = "") -> str:
        """Render `templates/web/<name>.html`; `PageRenderer` lists the variables of every page."""
        return self._pages.render(name, locale, context, timezone=timezone)

    def incident_page(
        self, incident: Incident, updates: Sequence[NoticeUpdate], *, locale: str, timezone: str = ""
    ) -> str:
        """Render the public page of an incident; `updates` in any order, not empty."""
        return self._pages.incident(incident, updates, locale=locale, timezone=timezone)

    def calendar_file(self, timeline: PublicTimeline, *, sequence: int, locale: str) -> bytes | None:
        """Render planned work as an iCalendar file; None if there is no window."""
        return self._calendar.render(timeline, sequence=sequence, locale=locale)

    def status_page(self, timelines: Sequence[PublicTimeline], *, locale: str) -> str:
        """Render the public status page; `timelines` by latest update, newest first."""
        return self._status.page(timelines, locale=locale)

    def feed(self, timelines: Sequence[PublicTimeline], *, locale: str) -> bytes:
        """Render the newest updates as an Atom feed."""
        return self._status.feed(timelines, locale=locale)

    def style_source(self) -> str:
        """Return the pages' single inline style sheet as a Content-Security-Policy source."""
        return self._pages.style_source()
