"""Answers of all pages: in the reader's language, with headers that keep their link private."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.cached_property import cached_property
from notifier.domain.recipients.consent import shortened_network
from notifier.services.security.audit import Actor


class Answers:
    """Renders the pages of one installation. No cookies, no redirects, no external resources."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the container; reads nothing yet."""
        self._container = container

    @property
    def default_locale(self) -> str:
        """The language if the reader's is unknown."""
        return self._container.vocabulary.default_locale

    def page(
        self, name: str, locale: str, context: Mapping[str, Any] | None = None, *, status: int = 200, timezone: str = ""
    ) -> Response:
        """Answer with `templates/web/<name>.html`."""
        html = self._container.renderer.page(name, locale, context or {}, timezone=timezone)
        return self.html(html, status=status)

    def missing(self, locale: str = "") -> Response:
        """Answer that a link is invalid, whatever the reason."""
        return self.page("not_found", locale or self.default_locale, status=404)

    def expired(self, locale: str = "") -> Response:
        """Answer that a link has expired."""
        return self.page("expired", locale or self.default_locale, status=410)

    def stale(self, locale: str, back: str) -> Response:
        """Answer that a form is invalid or expired; `back` is the URL of a fresh one."""
        return self.page("stale_form", locale, {"back": back}, status=403)

    def html(self, html: str, *, status: int = 200) -> Response:
        """Answer with a rendered page."""
        return HTMLResponse(html, status_code=status, headers=dict(self._headers))

    def download(self, data: Mapping[str, Any], name: str) -> Response:
        """Answer with JSON data as a download."""
        body = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        headers = {**self._headers, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type="application/json", headers=headers)

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        style = self._container.renderer.style_source()
        sources = f"default-src 'none'; style-src {style}; img-src data:; form-action 'self'"
        return {
            "Content-Security-Policy": f"{sources}; base-uri 'none'; frame-ancestors 'none'",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
        }


def network_of(request: Request) -> str:
    """Return the network address that a request comes from."""
    return request.client.host if request.client else ""


def reader_of(request: Request) -> Actor:
    """Return a subscriber as actor, with a network too coarse to identify a household."""
    return Actor("subscriber", shortened_network(network_of(request)) or "unknown")
