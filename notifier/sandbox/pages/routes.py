"""The pages `/`, `/inbox`, `/social` and `/webhooks`, which show received messages."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.pages.threads import pieces, threads_of
from notifier.sandbox.records.mails import mail_row, mail_whole
from notifier.sandbox.records.posts import posts_of
from notifier.sandbox.records.summary import summary_of
from notifier.sandbox.records.webhooks import hook_rows, received_row
from notifier.sandbox.sandbox import Sandbox

_HERE = Path(__file__).parent
_SHOWN = 100  # rows per page of a list

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# A `srcdoc` document inherits the policy of its page, and mails have inline styles.
_MAIL_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class Pages:
    """The pages of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._templates = Environment(
            loader=FileSystemLoader(_HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"clock": _clock, "pretty": _pretty, "pieces": pieces}

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self.overview),
            Route("/inbox", self.inbox),
            Route("/inbox/{id}", self.mail),
            Route("/social", self.social),
            Route("/webhooks", self.webhooks),
            Route("/sandbox/style.css", self.style),
            Route("/sandbox/pictures/{id}", self.picture),
        ]

    async def overview(self, request: Request) -> Response:
        """Show counts of everything."""
        self._sandbox.mail.release(self._sandbox.live.now())
        timings: list[dict[str, Any]] = [
            {"channel": channel, "id": key, "count": found.count, "first": found.first_at, "last": found.last_at}
            for channel, arrivals in self._sandbox.ledger.notifications.items()
            for key, found in arrivals.items()
        ]
        return self._page(
            request,
            "overview.html",
            summary=summary_of(self._sandbox),
            timings=sorted(timings, key=lambda row: row["first"], reverse=True)[:_SHOWN],
            faults=self._sandbox.faults.faults,
            base=request.base_url,
        )

    async def inbox(self, request: Request) -> Response:
        """Show the list of mails."""
        return self._page(request, "inbox.html", **self._mail_list(request), mail=None)

    async def mail(self, request: Request) -> Response:
        """Show one mail beside the list."""
        found = self._sandbox.mail.find(request.path_params["id"])
        if found is None:
            return self._page(request, "missing.html", status=404)
        mail = mail_whole(*found)
        context = self._mail_list(request)
        return self._page(request, "inbox.html", policy=_MAIL_POLICY, **context, mail=mail, frame=_frame(mail["html"]))

    async def social(self, request: Request) -> Response:
        """Show the timeline of each account, in threads."""
        threads = threads_of(posts_of(self._sandbox))
        accounts = sorted({(thread[0]["platform"], thread[0]["account"]) for thread in threads})
        wanted = request.query_params.get("account", "")
        shown = [thread for thread in threads if wanted in ("", thread[0]["account"])]
        return self._page(request, "social.html", threads=shown[:_SHOWN], accounts=accounts, wanted=wanted)

    async def webhooks(self, request: Request) -> Response:
        """Show the receivers and their requests."""
        inboxes = self._sandbox.hooks.inboxes
        wanted = request.query_params.get("name", "")
        log = (one for one in reversed(inboxes.log) if wanted in ("", one.name))
        rows = [received_row(one) for one in islice(log, _SHOWN)]
        return self._page(request, "webhooks.html", hooks=hook_rows(inboxes), rows=rows, wanted=wanted)

    async def style(self, _: Request) -> Response:
        """Return the style sheet."""
        return Response((_HERE / "style.css").read_bytes(), media_type="text/css")

    async def picture(self, request: Request) -> Response:
        """Return the picture of a post."""
        found = self._sandbox.pictures.find(request.path_params["id"])
        if found is None or not found.kind.startswith("image/") or "svg" in found.kind:
            return self._page(request, "missing.html", status=404)
        headers = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'"}
        return Response(found.data, media_type=found.kind, headers=headers)

    def _mail_list(self, request: Request) -> dict[str, Any]:
        store = self._sandbox.mail
        store.release(self._sandbox.live.now())
        query = request.query_params
        address, locale = query.get("address", "").strip(), query.get("locale", "")
        page = int(query["page"]) if query.get("page", "").isdecimal() else 0
        found = list(islice(store.newest(address=address, locale=locale), page * _SHOWN, (page + 1) * _SHOWN + 1))
        return {
            "rows": [mail_row(record, store.expand(record, index)) for record, index in found[:_SHOWN]],
            "locales": sorted(name for name in self._sandbox.ledger.locales if name),
            "address": address,
            "locale": locale,
            "page": page,
            "more": len(found) > _SHOWN,
        }

    def _page(
        self, request: Request, name: str, *, status: int = 200, policy: str = _POLICY, **context: object
    ) -> Response:
        live = "live" in request.query_params
        page = self._templates.get_template(name).render(path=request.url.path, live=live, **context)
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return Response(page.encode(), status, headers=headers, media_type="text/html")


def _clock(at: float | str) -> str:
    """Format a time as `14:05:07`, UTC."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
    return moment.strftime("%H:%M:%S")


def _pretty(body: str) -> str:
    """Indent JSON; return anything else unchanged."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body


def _frame(page: str) -> str:
    """Make a mail's links open in a new tab; the frame's sandbox blocks everything else."""
    base = '<base target="_blank">'
    head = page.lower().find("<head>")
    return page[: head + 6] + base + page[head + 6 :] if head >= 0 else page + base
