"""The public pages of one installation, to be served beside its API."""

from fastapi import APIRouter

from notifier.bootstrap.application import Application
from notifier.web.address_change import AddressChangePages
from notifier.web.preferences import PreferencesPages
from notifier.web.responses import Answers
from notifier.web.sign_up import SignUpPages
from notifier.web.status import StatusPages
from notifier.web.unsubscribe import UnsubscribePages


def page_routes(application: Application) -> APIRouter:
    """Return the routes of one installation's pages."""
    answers = Answers(application)
    router = APIRouter(include_in_schema=False)
    SignUpPages(application, answers).add_to(router)
    PreferencesPages(application, answers).add_to(router)
    AddressChangePages(application, answers).add_to(router)
    UnsubscribePages(application, answers).add_to(router)
    StatusPages(application, answers).add_to(router)
    return router
