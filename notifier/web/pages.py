"""The routes of the public pages. No cookies, no redirects, nothing loaded from elsewhere."""

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.application import Application
from notifier.domain.errors import NotFoundError
from notifier.services.audit import Actor
from notifier.services.public_incident import PublicIncident
from notifier.services.tokens import Purpose, TokenError
from notifier.services.unsubscribe import Unsubscribe
from notifier.web.preferences import PreferencesPage


def page_routes(application: Application) -> APIRouter:
    """Return the routes of one installation's pages, to be served beside its API."""
    pages = _Pages(application)
    router = APIRouter(include_in_schema=False)
    for locale in sorted(application.locales):
        # A path per locale that is offered: `/{locale}/...` would take `/v1/incidents/...` as well.
        show = partial(pages.incident, locale)
        router.add_api_route(f"/{locale}/incidents/{{incident_id:path}}", show, methods=["GET", "HEAD"])
    router.add_api_route("/unsubscribe/{token}", pages.ask, methods=["GET", "HEAD"])
    router.add_api_route("/unsubscribe/{token}", pages.unsubscribe, methods=["POST"])
    router.add_api_route("/unsubscribe/{token}", pages.options, methods=["OPTIONS"])
    router.add_api_route("/preferences/{token}", pages.preferences, methods=["GET", "HEAD"])
    router.add_api_route("/preferences/{token}", pages.save_preferences, methods=["POST"])
    return router


class _Pages:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._incidents = PublicIncident(application.database, application.renderer)
        self._own = PreferencesPage(application)
        self._unsubscribe = Unsubscribe(application.database, application.lifecycle)

    def incident(self, locale: str, incident_id: str) -> Response:
        """Show an incident's timeline."""
        try:
            return self._answer(self._incidents.page(incident_id, locale))
        except NotFoundError:
            return self._missing(locale)

    async def options(self, token: str) -> Response:
        """Say what may be done; some mail providers ask before they post."""
        del token
        return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})

    def ask(self, request: Request, token: str) -> Response:
        """Ask whether to unsubscribe; changes nothing, since scanners of mail follow links."""
        try:
            locale = self._unsubscribe.locale_of(self._subject(token))
        except (TokenError, NotFoundError):
            return self._missing(self._application.vocabulary.default_locale)
        page = self._application.renderer.page("unsubscribe", locale, {"action": request.url.path})
        return self._answer(page)

    async def unsubscribe(self, request: Request, token: str) -> Response:
        """Unsubscribe at once, whatever the body holds (RFC 8058); the second time answers the same."""
        origin = request.client.host if request.client else "unknown"
        return await run_in_threadpool(self._stop, token, origin)

    def _stop(self, token: str, origin: str) -> Response:
        try:
            subject = self._subject(token)
            locale = self._unsubscribe.locale_of(subject)
            self._unsubscribe(subject, Actor("subscriber", origin))
        except (TokenError, NotFoundError):
            return self._missing(self._application.vocabulary.default_locale)
        return self._answer(self._application.renderer.page("unsubscribed", locale, {}))

    def preferences(self, request: Request, token: str) -> Response:
        """Show the form."""
        try:
            return self._answer(self._own.show(self._subject(token, Purpose.PREFERENCES), request.url.path))
        except (TokenError, NotFoundError):
            return self._missing(self._application.vocabulary.default_locale)

    async def save_preferences(self, request: Request, token: str) -> Response:
        """Save the form."""
        body = await request.body()
        actor = Actor("subscriber", request.client.host if request.client else "unknown")
        return await run_in_threadpool(self._save, token, request.url.path, body, actor)

    def _save(self, token: str, path: str, body: bytes, actor: Actor) -> Response:
        try:
            return self._answer(self._own.save(self._subject(token, Purpose.PREFERENCES), path, body, actor))
        except (TokenError, NotFoundError):
            return self._missing(self._application.vocabulary.default_locale)

    def _subject(self, token: str, purpose: Purpose = Purpose.UNSUBSCRIBE) -> int:
        return self._application.tokens.read(purpose, token, self._application.clock()).subject

    def _missing(self, locale: str) -> Response:
        return self._answer(self._application.renderer.page("not_found", locale, {}), status=404)

    def _answer(self, html: str, *, status: int = 200) -> Response:
        style = self._application.renderer.style_source()
        sources = f"default-src 'none'; style-src {style}; img-src data:; form-action 'self'"
        policy = f"{sources}; base-uri 'none'; frame-ancestors 'none'"
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, status_code=status, headers=headers)
