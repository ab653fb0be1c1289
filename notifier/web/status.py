"""Public pages: status and its feed, and each incident. The same for everyone, so cacheable."""

import hashlib
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import NotFoundError
from notifier.rendering.language import parse_locale
from notifier.services.public_pages.incident import PublicIncident
from notifier.services.public_pages.status import PublicStatus
from notifier.web.responses import Answers


class _LocaleConvertor(Convertor[str]):
    """A path segment that may be a locale; `v1` may not."""

    regex = "[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("locale", _LocaleConvertor())
_KEPT = "public, max-age=10"
_MOST_LANGUAGES = 20
_CALENDAR = ".ics"


class StatusPages:
    """`/`, `/{locale}/`, `/{locale}/incidents`, `/{locale}/incidents/{id}[.ics]` and `/{locale}/feed.atom`."""

    def __init__(self, container: ApiContainer, answers: Answers) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._answers = answers
        self._status = PublicStatus(container.database, container.renderer)
        self._incidents = PublicIncident(container.database, container.renderer)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes; a path per locale, because `/{locale}/...` would match `/v1/...`."""
        methods = ["GET", "HEAD"]
        router.add_api_route("/", self.front, methods=methods)
        for locale in sorted(self._container.locales):
            status = partial(self.status, locale)
            for path in ("", "/", "/incidents", "/incidents/"):
                router.add_api_route(f"/{locale}{path}", status, methods=methods)
            router.add_api_route(f"/{locale}/feed.atom", _FeedOf(self, locale).show, methods=methods)
            calendar = partial(self.calendar_file, locale)
            router.add_api_route(f"/{locale}/incidents/{{incident_id:path}}.ics", calendar, methods=methods)
            show = partial(self.incident, locale)
            router.add_api_route(f"/{locale}/incidents/{{incident_id:path}}", show, methods=methods)
        # Links in mails outlive the list of offered locales.
        for path in ("", "/", "/incidents", "/incidents/", "/incidents/{incident_id:path}", "/feed.atom"):
            router.add_route(f"/{{tag:locale}}{path}", self.unoffered, methods=methods)

    def unoffered(self, request: Request) -> Response:
        """Answer for a locale that is not, or no longer, offered: in the nearest one that is.

        Raises:
            HTTPException: 404 if the path does not begin with a locale.
        """
        tag = request.path_params["tag"]
        if parse_locale(tag) is None:
            raise HTTPException(404)
        locale = preferred(tag.replace("_", "-"), self._container.locales) or self._answers.default_locale
        if request.url.path.endswith("/feed.atom"):
            return self.feed(locale, request.headers.get("if-none-match", ""))
        incident_id = request.path_params.get("incident_id")
        if incident_id and incident_id.endswith(_CALENDAR):
            return self.calendar_file(locale, incident_id.removesuffix(_CALENDAR))
        return self.incident(locale, incident_id) if incident_id else self.status(locale)

    def front(self, request: Request) -> Response:
        """Show the status in the language the browser asks for."""
        locale = preferred(request.headers.get("accept-language", ""), self._container.locales)
        answer = self.status(locale or self._answers.default_locale)
        answer.headers["Vary"] = "Accept-Language"
        return answer

    def status(self, locale: str) -> Response:
        """Show the status page."""
        return self._kept(self._answers.html(self._status.page(locale)))

    def incident(self, locale: str, incident_id: str) -> Response:
        """Show an incident's timeline."""
        try:
            return self._kept(self._answers.html(self._incidents.page(incident_id, locale)))
        except NotFoundError:
            return self._answers.missing(locale)

    def calendar_file(self, locale: str, incident_id: str) -> Response:
        """Return planned work as an iCalendar file."""
        try:
            body = self._incidents.calendar_file(incident_id, locale)
        except NotFoundError:
            return self._answers.missing(locale)
        headers = {"Content-Disposition": 'attachment; filename="maintenance.ics"'}
        return self._kept(Response(body, media_type="text/calendar", headers=headers))

    def feed(self, locale: str, known: str) -> Response:
        """Return the feed; 304 if the reader's copy is current (`If-None-Match`)."""
        body = self._status.feed(locale)
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": _KEPT}
        if etag in known:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/atom+xml", headers=headers)

    @staticmethod
    def _kept(answer: Response) -> Response:
        answer.headers["Cache-Control"] = _KEPT
        return answer


class _FeedOf:
    """The feed in one language."""

    def __init__(self, pages: StatusPages, locale: str) -> None:
        self._pages, self._locale = pages, locale

    def show(self, request: Request) -> Response:
        return self._pages.feed(self._locale, request.headers.get("if-none-match", ""))


def preferred(header: str, offered: frozenset[str]) -> str | None:
    """Return the best offered locale for an `Accept-Language` header (RFC 9110, 12.5.4), if any."""
    wishes: list[tuple[float, int, str]] = []
    for index, wish in enumerate(header.split(",")[:_MOST_LANGUAGES]):
        tag, _, weight = wish.partition(";")
        text = weight.partition("=")[2].strip() or "1"
        liking = float(text) if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit() else 0.0
        wishes.append((-liking, index, tag.strip()))
    for liking, _, tag in sorted(wishes):
        for candidate in (tag, tag.partition("-")[0].lower()):
            if liking < 0 and candidate in offered:
                return candidate
    return None
