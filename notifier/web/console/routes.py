"""The console's routes: access, actions, answers. Works without JavaScript."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import ConflictError, InvalidInputError, NotFoundError, OutdatedError
from notifier.domain.values import Outcome
from notifier.services.dispatch.replay import ReplayOrder
from notifier.services.dispatch.retry import RetryOrder
from notifier.services.security.api_keys import KeyScope
from notifier.services.security.console_sessions import SignInRefusedError
from notifier.services.security.masking import shown_to
from notifier.web.console import draft
from notifier.web.console.compose import Compose, OvertakenError
from notifier.web.console.flash import Flash
from notifier.web.console.session import PATH, ForbiddenError, NotSignedInError, Session, Sessions
from notifier.web.console.views import Views
from notifier.web.forms import is_from_elsewhere

_MOST_FIELDS = 500
_SEE_OTHER = 303
_CHANGED = "Nothing was done: the incident has changed since you loaded the page. Review it, then decide again"
Handler = Callable[[Session, draft.Form], Response]


def console_routes(container: ApiContainer) -> APIRouter:
    """Return the console of one installation, to serve beside its API."""
    console = _Console(container)
    router = APIRouter(prefix=PATH, include_in_schema=False)
    shown: dict[str, Handler] = {
        "": console.incidents,
        "/incident": console.incident,
        "/deliveries": console.deliveries,
        "/delivery": console.delivery,
        "/explain": console.explain,
        "/compose": console.compose,
    }
    done: dict[str, Handler] = {
        "/explain": console.explain,  # POST, because addresses do not belong in URLs
        "/preview": console.preview,
        "/send": console.send,
        "/replay": console.replay,
        "/retry": console.retry,
        "/release": console.release,
        "/cancel": console.cancel,
        "/sign-out": console.sign_out,
    }
    for path, handler in shown.items():
        router.add_api_route(path, console.showing(handler), methods=["GET"])
    for path, handler in done.items():
        router.add_api_route(path, console.doing(handler), methods=["POST"])
    router.add_api_route("/sign-in", console.sign_in_form, methods=["GET"])
    router.add_api_route("/sign-in", console.sign_in, methods=["POST"])
    return router


class _Console:
    def __init__(self, container: ApiContainer) -> None:
        self._container = container
        self._sessions = Sessions(container)
        self._views = Views(container)
        self._compose = Compose(container)
        self._flash = Flash(container)

    def showing(self, handler: Handler) -> Callable[..., Any]:
        """Return a route that shows something to a signed-in operator."""

        async def route(request: Request) -> Response:
            query = parse_qs(request.url.query, max_num_fields=_MOST_FIELDS)
            return await run_in_threadpool(self._guarded, request, handler, query, None)

        return route

    def doing(self, handler: Handler) -> Callable[..., Any]:
        """Return a route that changes something; requires a form of the same session."""

        async def route(request: Request) -> Response:
            form = await _form(request)
            return await run_in_threadpool(self._guarded, request, handler, form, _one(form, "mark"))

        return route

    def _guarded(self, request: Request, handler: Handler, form: draft.Form, token: str | None) -> Response:
        try:
            session = self._sessions.of(request)
            if token is not None:
                session.check_csrf_token(token)
            return handler(session, form)
        except NotSignedInError:
            return self._page("sign_in", {"fault": ""}, status=401)
        except ForbiddenError as error:
            return self._page("refused", {"heading": "Not allowed", "words": str(error)}, status=403)
        except ConflictError as error:
            return self._page("refused", {"heading": "Already decided", "words": str(error)}, status=409)
        except NotFoundError as error:
            return self._page("refused", {"heading": "Not found", "words": str(error)}, status=404)
        except InvalidInputError as error:
            return self._page("refused", {"heading": "Invalid request", "words": str(error)}, status=422)

    def sign_in_form(self) -> Response:
        """Show the sign-in form."""
        return self._page("sign_in", {"fault": ""})

    async def sign_in(self, request: Request) -> Response:
        """Sign in with a key; the session has the key's scopes."""
        if is_from_elsewhere(request):
            words = "This form was sent from another site. Open the console to sign in."
            return self._page("refused", {"heading": "Not allowed", "words": words}, status=403)
        key = _one(await _form(request), "key").strip()
        return await run_in_threadpool(self._sign_in, request, key)

    def _sign_in(self, request: Request, key: str) -> Response:
        answer = RedirectResponse(PATH, _SEE_OTHER)
        try:
            self._sessions.begin(request, answer, key)
        except SignInRefusedError as error:
            if not error.wait:
                fault = "This API key lacks the read scope."
                return self._page("sign_in", {"fault": fault}, status=401)
            fault = f"Too many invalid keys from your network. Try again in {error.wait} seconds."
            refused = self._page("sign_in", {"fault": fault}, status=429)
            refused.headers["Retry-After"] = str(error.wait)
            return refused
        return answer

    def sign_out(self, session: Session, _form: draft.Form) -> Response:
        """Sign out."""
        answer = RedirectResponse(PATH, _SEE_OTHER)
        self._sessions.end(session, answer)
        return answer

    def incidents(self, session: Session, _query: draft.Form) -> Response:
        """Show all incidents."""
        return self._shown("incidents", session, self._views.incidents())

    def incident(self, session: Session, query: draft.Form) -> Response:
        """Show one incident, and the result of the last action."""
        incident_id = _one(query, "id")
        flash = self._flash.read(session, incident_id, _one(query, "said"))
        return self._shown("incident", session, {**self._views.incident(incident_id), "said": flash})

    def deliveries(self, session: Session, query: draft.Form) -> Response:
        """Show the deliveries of a notification."""
        notification, state, after = (_one(query, name) for name in ("notification", "state", "after"))
        page = self._views.deliveries(notification, state, after)
        return self._shown("deliveries", session, shown_to(session.caller, page))

    def delivery(self, session: Session, query: draft.Form) -> Response:
        """Show one delivery's attempts."""
        return self._shown("delivery", session, shown_to(session.caller, self._views.delivery(_one(query, "id"))))

    def explain(self, session: Session, query: draft.Form) -> Response:
        """Show why a recipient was, or was not, notified."""
        page = self._views.explain(_one(query, "incident"), _one(query, "subscriber").strip())
        return self._shown("explain", session, shown_to(session.caller, page))

    def compose(self, session: Session, query: draft.Form) -> Response:
        """Show the compose form."""
        session.need(KeyScope.PUBLISH)
        return self._shown("compose", session, self._compose.form(self._compose.begin(_one(query, "incident"))))

    def preview(self, session: Session, form: draft.Form) -> Response:
        """Show the preview; the form again if it has errors or was submitted to change it."""
        session.need(KeyScope.PUBLISH)
        typed = draft.read(form)
        if _one(form, "step") == "change":
            return self._shown("compose", session, self._compose.form(typed))
        try:
            seen = self._compose.look(typed)
        except InvalidInputError as error:
            return self._shown("compose", session, self._compose.form(typed, error), status=422)
        except OvertakenError as error:
            return self._shown("compose", session, error.page, status=409)
        return self._shown("preview", session, {"draft": draft.settled(typed), **seen})

    def send(self, session: Session, form: draft.Form) -> Response:
        """Publish to everyone."""
        session.need(KeyScope.PUBLISH)
        typed = draft.read(form)
        try:
            receipt = self._compose.send(typed, session.actor, guarded=not session.may(KeyScope.ANNOUNCE))
        except InvalidInputError as error:
            return self._shown("compose", session, self._compose.form(typed, error), status=422)
        except OvertakenError as error:
            return self._shown("compose", session, error.page, status=409)
        reach = f"; {receipt.recipients:,} recipients" if receipt.outcome is Outcome.ACCEPTED else ""
        waits = ". Held for approval" if receipt.held else ""
        return self._back(session, receipt.incident_id, f"{receipt.outcome.value}: {receipt.reason}{reach}{waits}")

    def release(self, session: Session, form: draft.Form) -> Response:
        """Release a held notification."""
        session.need(KeyScope.MANAGE)
        return self._decide(session, form, self._container.release.release)

    def cancel(self, session: Session, form: draft.Form) -> Response:
        """Cancel a held notification."""
        session.need(KeyScope.MANAGE)
        return self._decide(session, form, self._container.release.cancel)

    def _decide(self, session: Session, form: draft.Form, decide: Callable[..., Mapping[str, Any]]) -> Response:
        incident_id = _one(form, "incident")
        try:
            decided = decide(_one(form, "notification"), session.actor, read=_one(form, "after"))
        except OutdatedError:
            return self._back(session, incident_id, _CHANGED)
        return self._back(session, incident_id, f"{decided['id']} is {decided['state']}")

    def replay(self, session: Session, form: draft.Form) -> Response:
        """Resend the failed deliveries of a notification."""
        session.need(KeyScope.MANAGE)
        incident_id = _one(form, "incident")
        order, read = ReplayOrder(notification_id=_one(form, "notification")), _one(form, "after")
        try:
            number = self._container.replay.run(
                order, session.actor, may_announce=session.may(KeyScope.ANNOUNCE), read=read
            )
        except OutdatedError:
            return self._back(session, incident_id, _CHANGED)
        return self._back(session, incident_id, f"{number} deliveries will be resent")

    def _back(self, session: Session, incident_id: str, words: str) -> Response:
        query = urlencode({"id": incident_id, "said": self._flash.seal(session, incident_id, words)})
        return RedirectResponse(f"{PATH}/incident?{query}", _SEE_OTHER)

    def retry(self, session: Session, form: draft.Form) -> Response:
        """Retry waiting deliveries now: of a notification, or of a provider."""
        session.need(KeyScope.MANAGE)
        order = RetryOrder(notification_id=_one(form, "notification") or None, provider=_one(form, "provider") or None)
        number = self._container.retry.run(order, session.actor)
        incident_id = _one(form, "incident")
        if not incident_id:
            return RedirectResponse(PATH, _SEE_OTHER)
        return self._back(session, incident_id, f"{number:,} deliveries are being retried")

    def _shown(self, name: str, session: Session, context: Mapping[str, Any], *, status: int = 200) -> Response:
        may = {scope.value: session.may(scope) for scope in KeyScope}
        who = {"who": session.caller.name, "may": may, "mark": session.csrf_token}
        return self._page(name, {**who, **context}, status=status)

    def _page(self, name: str, context: Mapping[str, Any], *, status: int = 200) -> Response:
        renderer = self._container.renderer
        html = renderer.page(f"console/{name}", self._container.vocabulary.default_locale, context)
        sources = f"default-src 'none'; style-src {renderer.style_source()}; img-src data:; form-action 'self'"
        headers = {
            "Content-Security-Policy": f"{sources}; base-uri 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, status_code=status, headers=headers)


async def _form(request: Request) -> draft.Form:
    body = await request.body()
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # not UTF-8, or more fields than any of our forms has
        return {}


def _one(form: draft.Form, name: str) -> str:
    return (form.get(name) or [""])[0].replace("\x00", "")  # PostgreSQL rejects NUL in texts
