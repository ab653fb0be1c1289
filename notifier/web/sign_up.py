"""Sign-up: a form, a mail, and the page its link opens. Every address gets the same answer."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.consent import SIGN_UP_WORDING, ConsentForm
from notifier.domain.recipients.subscriber import Subscriber
from notifier.domain.values import Impact, SubscriberKind, UpdateLevel
from notifier.services.security.csrf import CsrfTokens
from notifier.services.security.signed_tokens import ExpiredTokenError, Purpose, TokenError
from notifier.services.subscribers.public_sign_up import TooManySignUpsError
from notifier.services.subscribers.sign_up import SignUpRequest
from notifier.web import choices
from notifier.web.forms import FORM_TOKEN, Form, is_from_elsewhere, read_form
from notifier.web.responses import Answers, network_of, reader_of

_FORM = "sign up"


class SignUpPages:
    """`/{locale}/subscribe`, and `/confirm/{token}` from the mail."""

    def __init__(self, container: ApiContainer, answers: Answers) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._answers = answers
        self._forms = CsrfTokens(container.tokens, container.clock)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes; a path per locale, because `/{locale}/...` would match `/v1/...`."""
        for locale in sorted(self._container.locales):
            one = _OneLanguage(self, locale)
            router.add_api_route(f"/{locale}/subscribe", one.show, methods=["GET", "HEAD"])
            router.add_api_route(f"/{locale}/subscribe", one.take, methods=["POST"])
        router.add_api_route("/confirm/{token}", self.ask, methods=["GET", "HEAD"])
        router.add_api_route("/confirm/{token}", self.confirm, methods=["POST"])

    def form(self, locale: str, context: dict[str, Any] | None = None, *, status: int = 200) -> Response:
        """Show the form: empty, or as submitted with its errors."""
        nobody = Subscriber(
            external_id="",
            kind=SubscriberKind.FOLLOWER,
            locale=locale,
            timezone=self._container.vocabulary.default_timezone,
        )
        fresh = choices.shown(nobody, self._container.settings.components()) | {
            "action": f"/{locale}/subscribe",
            "form": self._forms.issue(_FORM),
            "email": "",
            "alternates": {tag: f"/{tag}/subscribe" for tag in sorted(self._container.locales)},
        }
        return self._answers.page("subscribe", locale, fresh | (context or {}), status=status)

    def refused(self, locale: str) -> Response:
        """Answer that the form was not sent by our page."""
        return self._answers.stale(locale, f"/{locale}/subscribe")

    def take(self, locale: str, form: Form, network: str) -> Response:
        """Accept a form and answer that a mail is on its way, whatever the address."""
        path = f"/{locale}/subscribe"
        try:
            self._forms.check(form.one(FORM_TOKEN), _FORM)
        except TokenError:
            return self.refused(locale)
        try:
            self._container.public_sign_up.take(self._request(locale, form, network))
        except TooManySignUpsError:
            return self._answers.page("too_many", locale, status=429)
        except InvalidInputError as error:
            faulty = frozenset(fault.field.removeprefix("preferences.") for fault in error.errors)
            again = choices.sent(form, self._container.settings.components())
            again |= {"email": form.one("email"), "faulty": faulty, "locale": locale}
            return self.form(locale, again, status=422)
        return self._answers.page("sign_up_sent", locale, {"email": form.one("email"), "back": path})

    def _request(self, locale: str, form: Form, network: str) -> SignUpRequest:
        chosen = choices.story_choices(form)
        consent = ConsentForm(
            wording=SIGN_UP_WORDING,
            locale=locale,
            form=self._container.settings.url(f"/{locale}/subscribe"),
            network=network,
        )
        return SignUpRequest(
            email=form.one("email"),
            form=consent,
            chosen=Preferences(
                components=frozenset(chosen["components"]),
                min_impact=_one_of(Impact, chosen.get("min_impact"), Impact.NONE),
                updates=_one_of(UpdateLevel, chosen.get("updates"), UpdateLevel.ALL),
                maintenance=chosen["maintenance"],
            ),
        )

    def ask(self, request: Request, token: str) -> Response:
        """Ask for confirmation; changes nothing, because mail scanners follow links."""
        try:
            subject = self._container.tokens.read(Purpose.CONFIRM, token, self._container.clock()).subject
            person = self._container.self_service.show(subject).subscriber
        except ExpiredTokenError:
            return self._answers.expired()
        except (TokenError, NotFoundError):
            return self._answers.missing()
        context = {"action": request.url.path, "email": person.email}
        return self._answers.page("confirm", person.locale, context)

    async def confirm(self, request: Request, token: str) -> Response:
        """Subscribe; a second request gets the same answer."""
        if is_from_elsewhere(request):
            return self._answers.stale(self._answers.default_locale, request.url.path)
        return await run_in_threadpool(self._confirm, request, token)

    def _confirm(self, request: Request, token: str) -> Response:
        try:
            actor = reader_of(request)
            subject = self._container.sign_ups.confirm(token, actor, network=network_of(request))
            stored = self._container.self_service.show(subject)
        except ExpiredTokenError:
            return self._answers.expired()
        except (TokenError, NotFoundError):
            return self._answers.missing()
        preferences = self._container.self_service.path(stored)
        return self._answers.page("confirmed", stored.subscriber.locale, {"preferences": preferences})


class _OneLanguage:
    """The form in one language."""

    def __init__(self, pages: SignUpPages, locale: str) -> None:
        self._pages, self._locale = pages, locale

    def show(self) -> Response:
        return self._pages.form(self._locale)

    async def take(self, request: Request) -> Response:
        if is_from_elsewhere(request):
            return self._pages.refused(self._locale)
        form = await read_form(request)
        return await run_in_threadpool(self._pages.take, self._locale, form, network_of(request))


def _one_of(kind: type[Any], value: object, default: Any) -> Any:
    """Return a choice; an unknown one becomes the default, which can be changed later."""
    return kind(value) if value in {item.value for item in kind} else default
