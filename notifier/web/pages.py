"""The routes of the public pages. No cookies, no redirects, nothing loaded from elsewhere."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.application import Application
from notifier.domain.errors import NotFoundError
from notifier.services.audit import Actor
from notifier.services.public_incident import PublicIncident
from notifier.services.tokens import Purpose, TokenError
from notifier.services.unsubscribe import Unsubscribe


def page_routes(application: Application) -> APIRouter:
    """Return the routes of one installation's pages, to be served beside its API."""
    pages = _Pages(application)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/{locale}/incidents/{incident_id:path}", pages.incident, methods=["GET", "HEAD"])
    router.add_api_route("/unsubscribe/{token}", pages.ask, methods=["GET", "HEAD"])
    router.add_api_route("/unsubscribe/{token}", pages.unsubscribe, methods=["POST"])
    return router


class _Pages:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._incidents = PublicIncident(application.database, application.renderer)
        self._unsubscribe = Unsubscribe(application.database, application.lifecycle)

    def incident(self, locale: str, incident_id: str) -> Response:
        """Show an incident's timeline."""
        if locale not in self._application.locales:
            return self._missing(self._application.vocabulary.default_locale)
        try:
            return self._answer(self._incidents.page(incident_id, locale))
        except NotFoundError:
            return self._missing(locale)

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

    def _subject(self, token: str) -> int:
        return self._application.tokens.read(Purpose.UNSUBSCRIBE, token, self._application.clock()).subject

    def _missing(self, locale: str) -> Response:
        return self._answer(self._application.renderer.page("not_found", locale, {}), status=404)

    def _answer(self, html: str, *, status: int = 200) -> Response:
        style = self._application.renderer.style_source()
        policy = f"default-src 'none'; style-src {style}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, status_code=status, headers=headers)
