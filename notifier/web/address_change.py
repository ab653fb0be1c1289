"""The page linked from a mail to a new address, to confirm it with a button."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import NotFoundError
from notifier.services.security.signed_tokens import ExpiredTokenError, Purpose, TokenError
from notifier.web.forms import is_from_elsewhere
from notifier.web.responses import Answers, reader_of


class AddressChangePages:
    """`/address/{token}`."""

    def __init__(self, container: ApiContainer, answers: Answers) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._answers = answers

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/address/{token}", self.ask, methods=["GET", "HEAD"])
        router.add_api_route("/address/{token}", self.confirm, methods=["POST"])

    def ask(self, request: Request, token: str) -> Response:
        """Ask for confirmation; changes nothing."""
        try:
            claim = self._container.tokens.read(Purpose.ADDRESS_CHANGE, token, self._container.clock())
            person = self._container.self_service.show(claim.subject).subscriber
        except ExpiredTokenError:
            return self._answers.expired()
        except (TokenError, NotFoundError):
            return self._answers.missing()
        return self._answers.page("confirm_address", person.locale, {"action": request.url.path})

    async def confirm(self, request: Request, token: str) -> Response:
        """Change the address; a second request gets the same answer."""
        if is_from_elsewhere(request):
            return self._answers.stale(self._answers.default_locale, request.url.path)
        return await run_in_threadpool(self._confirm, request, token)

    def _confirm(self, request: Request, token: str) -> Response:
        try:
            subject = self._container.sign_ups.confirm_address_change(token, reader_of(request))
            stored = self._container.self_service.show(subject)
        except ExpiredTokenError:
            return self._answers.expired()
        except (TokenError, NotFoundError):
            return self._answers.missing()
        context = {"email": stored.subscriber.email, "preferences": self._container.self_service.path(stored)}
        return self._answers.page("address_changed", stored.subscriber.locale, context)
