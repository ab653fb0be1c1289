"""Unsubscribe with one click from everything (RFC 8058) or from one incident, and resubscribe."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import NotFoundError
from notifier.services.security.audit import Actor
from notifier.services.security.csrf import CsrfTokens
from notifier.services.security.signed_tokens import Claim, Purpose, TokenError
from notifier.services.subscribers.unsubscribe_link import Unsubscribe
from notifier.web.forms import FORM_TOKEN, Form, read_form
from notifier.web.responses import Answers, reader_of

_FORM = "unsubscribe from an incident"
_WAY_BACK = timedelta(hours=1)


class UnsubscribePages:
    """Handles the links in every mail. The token suffices: mail providers POST to them, too."""

    def __init__(self, container: ApiContainer, answers: Answers) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._answers = answers
        self._unsubscribe = Unsubscribe(container.database, container.lifecycle)
        self._forms = CsrfTokens(container.tokens, container.clock)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/unsubscribe/{token}", self.ask, methods=["GET", "HEAD"])
        router.add_api_route("/unsubscribe/{token}", self.unsubscribe, methods=["POST"])
        router.add_api_route("/unsubscribe/{token}", self.options, methods=["OPTIONS"])
        router.add_api_route("/unsubscribe/{token}/incident", self.from_incident, methods=["POST"])
        router.add_api_route("/resubscribe/{token}", self.come_back, methods=["POST"])

    async def options(self, token: str) -> Response:
        """Answer OPTIONS; some mail providers ask before they post."""
        del token
        return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})

    def ask(self, request: Request, token: str) -> Response:
        """Ask for confirmation; changes nothing, because mail scanners follow links."""
        try:
            claim = self._claim(token)
            person = self._unsubscribe.owner_of(claim.subject)
        except TokenError:
            return self._answers.missing()
        except NotFoundError:
            return self._gone()
        incident = self._unsubscribe.incident_title(claim.detail, person.locale)
        context = {
            "action": request.url.path,
            "form": self._forms.issue(_FORM, claim.subject),
            "incident": incident,
            "stopped": person.is_unsubscribed,
        }
        return self._answers.page("unsubscribe", person.locale, context)

    async def unsubscribe(self, request: Request, token: str) -> Response:
        """Unsubscribe at once, whatever the body (RFC 8058); repeating it changes nothing."""
        return await run_in_threadpool(self._stop, token, reader_of(request))

    def _stop(self, token: str, actor: Actor) -> Response:
        try:
            claim = self._claim(token)
            person = self._unsubscribe.owner_of(claim.subject)
            address_key = self._unsubscribe.from_all(claim, actor)
        except TokenError:
            return self._answers.missing()
        except NotFoundError:
            return self._gone()
        back = None
        own = self._container.self_service
        reason = own.stopped_by(own.show(claim.subject))
        if address_key in (None, person.address_key) and (reason is None or reason.may_reader_lift):
            bound = person.address_key or 0
            token = self._container.tokens.expiring(Purpose.RESUBSCRIBE, claim.subject, bound, lifetime=_WAY_BACK)
            back = f"/resubscribe/{token}"
        return self._answers.page("unsubscribed", person.locale, {"incident": None, "back": back})

    async def from_incident(self, request: Request, token: str) -> Response:
        """Unsubscribe from the incident of the mail with the link."""
        form = await read_form(request)
        return await run_in_threadpool(self._stop_incident, token, form, reader_of(request))

    def _stop_incident(self, token: str, form: Form, actor: Actor) -> Response:
        try:
            claim = self._claim(token)
            person = self._unsubscribe.owner_of(claim.subject)
            incident = self._unsubscribe.incident_title(claim.detail, person.locale)
        except (TokenError, NotFoundError):
            return self._answers.missing()
        try:
            self._forms.check(form.one(FORM_TOKEN), _FORM, claim.subject)
        except TokenError:
            return self._answers.stale(person.locale, f"/unsubscribe/{token}")
        if incident is None:
            return self._answers.missing(person.locale)
        self._unsubscribe.from_incident(claim, actor)
        return self._answers.page("unsubscribed", person.locale, {"incident": incident, "back": None})

    async def come_back(self, request: Request, token: str) -> Response:
        """Undo an unsubscription, from its confirmation page, within an hour."""
        return await run_in_threadpool(self._start, token, reader_of(request))

    def _start(self, token: str, actor: Actor) -> Response:
        try:
            claim = self._container.tokens.read(Purpose.RESUBSCRIBE, token, self._container.clock())
            self._container.lifecycle.resubscribe(claim.subject, actor, address_key=claim.detail or None)
            person = self._unsubscribe.owner_of(claim.subject)
        except (TokenError, NotFoundError):
            return self._answers.missing()
        if not person.is_subscribed:  # stopped by others, or a new address: that page is still true
            return self._answers.page("unsubscribed", person.locale, {"incident": None, "back": None})
        return self._answers.page("resubscribed", person.locale)

    def _gone(self) -> Response:
        """Answer the link of an erased subscriber: nothing is sent to them, as they wanted."""
        return self._answers.page("unsubscribed", self._answers.default_locale, {"incident": None, "back": None})

    def _claim(self, token: str) -> Claim:
        return self._container.tokens.read(Purpose.UNSUBSCRIBE, token, self._container.clock())
