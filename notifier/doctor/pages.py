"""Checks of other providers' status pages: whether they can be polled, and if not, since when."""

from collections.abc import Iterator

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.domain.proposals.polled_page import PolledPage
from notifier.services.upstreams.watch import page_name
from notifier.storage.proposals import polled_pages

_START = "start the scheduler: `notifier up` or `notifier scheduler`"
_LOOK = "open the page; check its address in [[upstreams]], DNS and the firewall"


def check_pages(notifier: ApiContainer) -> Iterator[Finding]:
    """Report on each configured page. Needs a database that is up to date."""
    names = [page_name(rules) for rules in notifier.settings.upstreams()]
    if not names:
        return
    with notifier.database.read() as connection:
        known = polled_pages.of(connection, names)
    for name in names:
        yield _finding(name, known.get(name))


def _finding(name: str, page: PolledPage | None) -> Finding:
    if page is None or (page.last_ok_at is None and not page.failures):
        return Finding(name=name, state="warn", message="has not been polled yet", remedy=_START)
    if page.failures and page.error_at is not None:
        message = (
            f"cannot be polled since {page.error_at:%Y-%m-%d %H:%M}Z ({page.last_error}); "
            "what happens there is unknown meanwhile"
        )
        return Finding(name=name, state="warn", message=message, remedy=_LOOK)
    return Finding(name=name, state="ok", message=f"read at {page.last_ok_at:%Y-%m-%d %H:%M}Z")
