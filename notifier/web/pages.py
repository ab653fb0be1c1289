"""The public pages of one installation, to be served beside its API."""

from functools import partial

from fastapi import APIRouter, Response

from notifier.bootstrap.application import Application
from notifier.domain.errors import NotFoundError
from notifier.services.public_incident import PublicIncident
from notifier.web.address_change import AddressChangePages
from notifier.web.answers import Answers
from notifier.web.preferences import PreferencesPages
from notifier.web.sign_up import SignUpPages
from notifier.web.unsubscribe import UnsubscribePages


def page_routes(application: Application) -> APIRouter:
    """Return the routes of one installation's pages."""
    answers = Answers(application)
    router = APIRouter(include_in_schema=False)
    SignUpPages(application, answers).add_to(router)
    PreferencesPages(application, answers).add_to(router)
    AddressChangePages(application, answers).add_to(router)
    UnsubscribePages(application, answers).add_to(router)
    _Incidents(application, answers).add_to(router)
    return router


class _Incidents:
    """`/{locale}/incidents/{id}`."""

    def __init__(self, application: Application, answers: Answers) -> None:
        self._application = application
        self._answers = answers
        self._incidents = PublicIncident(application.database, application.renderer)

    def add_to(self, router: APIRouter) -> None:
        for locale in sorted(self._application.locales):
            # A path per locale that is offered: `/{locale}/...` would take `/v1/incidents/...` as well.
            show = partial(self.incident, locale)
            router.add_api_route(f"/{locale}/incidents/{{incident_id:path}}", show, methods=["GET", "HEAD"])

    def incident(self, locale: str, incident_id: str) -> Response:
        """Show an incident's timeline."""
        try:
            return self._answers.html(self._incidents.page(incident_id, locale))
        except NotFoundError:
            return self._answers.missing(locale)
