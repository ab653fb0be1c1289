"""The preferences page: a form without JavaScript, opened by the signed link in a mail."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.domain.recipients.subscriber import StoredSubscriber
from notifier.domain.values import SubscriberState
from notifier.services.security.csrf import CsrfTokens
from notifier.services.security.signed_tokens import ExpiredTokenError, TokenError
from notifier.web import choices
from notifier.web.forms import FORM_TOKEN, Form, is_from_elsewhere, read_form
from notifier.web.preference_acts import ACTS, Act, Refusal
from notifier.web.responses import Answers, reader_of

_FORM = "preferences"


class PreferencesPages:
    """`/preferences/{token}` and the actions of its buttons."""

    def __init__(self, container: ApiContainer, answers: Answers) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._answers = answers
        self._forms = CsrfTokens(container.tokens, container.clock)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/preferences/{token}", self.show, methods=["GET", "HEAD"])
        router.add_api_route("/preferences/{token}", self.save, methods=["POST"])
        router.add_api_route("/preferences/{token}/data", self.data, methods=["GET", "HEAD"])
        router.add_api_route("/preferences/{token}/erase", self.ask_erase, methods=["GET", "HEAD"])
        for name, act in ACTS.items():
            router.add_api_route(f"/preferences/{{token}}/{name}", self._acting(act), methods=["POST"])

    def show(self, token: str) -> Response:
        """Show the form."""
        found = self._opened(token)
        return found if isinstance(found, Response) else self._page(token, found)

    async def save(self, request: Request, token: str) -> Response:
        """Save the form, or show it again with its errors."""
        form = await read_form(request)
        return await run_in_threadpool(self._save, request, token, form)

    def _save(self, request: Request, token: str, form: Form) -> Response:
        found = self._checked(request, token, form)
        if isinstance(found, Response):
            return found
        own = self._container.self_service
        try:
            after = own.change(found.id, choices.all_choices(form), reader_of(request))
        except InvalidInputError as error:
            faulty = frozenset(fault.field.removeprefix("preferences.").partition(".")[0] for fault in error.errors)
            again = choices.sent(form, self._container.settings.components())
            return self._page(token, found, again | {"faulty": faulty}, status=422)
        except NotFoundError:
            return self._answers.missing()
        return self._page(token, after, {"said": "saved"})

    def data(self, token: str) -> Response:
        """Return everything stored about the reader, as a file."""
        found = self._opened(token)
        if isinstance(found, Response):
            return found
        return self._answers.download(self._container.data_export.collect(found.id), "my-data.json")

    def ask_erase(self, token: str) -> Response:
        """Ask for confirmation of the erasure; changes nothing."""
        found = self._opened(token)
        if isinstance(found, Response):
            return found
        person = found.subscriber
        context = {"back": f"/preferences/{token}", "form": self._forms.issue(_FORM, found.id), "email": person.email}
        return self._answers.page("erase", person.locale, context)

    def _acting(self, act: Act) -> Any:
        async def take(request: Request, token: str) -> Response:
            form = await read_form(request)
            return await run_in_threadpool(self._act, act, request, token, form)

        return take

    def _act(self, act: Act, request: Request, token: str, form: Form) -> Response:
        found = self._checked(request, token, form)
        if isinstance(found, Response):
            return found
        own = self._container.self_service
        try:
            page = act(self._container, found.id, form, reader_of(request))
        except Refusal as refusal:
            return self._page(token, found, refusal.context, status=422)
        except NotFoundError:
            return self._answers.missing()
        if page.name is not None:
            return self._answers.page(page.name, found.subscriber.locale, page.context)
        return self._page(token, own.show(found.id), page.context)

    def _checked(self, request: Request, token: str, form: Form) -> StoredSubscriber | Response:
        """Open the link and check the form's token."""
        found = self._opened(token)
        if isinstance(found, Response):
            return found
        stale = self._answers.stale(found.subscriber.locale, f"/preferences/{token}")
        if is_from_elsewhere(request):
            return stale
        try:
            self._forms.check(form.one(FORM_TOKEN), _FORM, found.id)
        except TokenError:
            return stale
        return found

    def _opened(self, token: str) -> StoredSubscriber | Response:
        """Return the subscriber of a link, or the error page."""
        try:
            return self._container.self_service.opened(token)
        except ExpiredTokenError:
            return self._answers.expired()
        except (TokenError, NotFoundError):
            return self._answers.missing()

    def _page(
        self,
        token: str,
        stored: StoredSubscriber,
        further: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        person, reason = stored.subscriber, self._container.self_service.stopped_by(stored)
        context = choices.shown(person, self._container.settings.components()) | {
            "action": f"/preferences/{token}",
            "form": self._forms.issue(_FORM, stored.id),
            "said": "",
            "email": person.email or "",
            "new_email": "",
            "is_stopped": person.state in (SubscriberState.UNSUBSCRIBED, SubscriberState.SUPPRESSED),
            "stopped_by": reason.value if reason else "",
            "may_return": reason is None or reason.may_reader_lift,
        }
        return self._answers.page(
            "preferences", person.locale, context | dict(further or {}), status=status, timezone=person.timezone
        )
