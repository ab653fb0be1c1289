"""The public pages of one installation, served beside its API."""

from fastapi import APIRouter

from notifier.bootstrap.api_container import ApiContainer
from notifier.web.address_change import AddressChangePages
from notifier.web.preferences import PreferencesPages
from notifier.web.responses import Answers
from notifier.web.sign_up import SignUpPages
from notifier.web.status import StatusPages
from notifier.web.unsubscribe import UnsubscribePages


def page_routes(container: ApiContainer) -> APIRouter:
    """Return the routes of one installation's pages."""
    answers = Answers(container)
    router = APIRouter(include_in_schema=False)
    SignUpPages(container, answers).add_to(router)
    PreferencesPages(container, answers).add_to(router)
    AddressChangePages(container, answers).add_to(router)
    UnsubscribePages(container, answers).add_to(router)
    StatusPages(container, answers).add_to(router)
    return router
