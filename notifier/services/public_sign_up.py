"""Sign-up by anybody: limited per network before anything is looked up, and answered alike whatever was found."""

from dataclasses import dataclass

from notifier.domain.consent import shortened_network
from notifier.domain.errors import NotifierError
from notifier.services.ports import Quota
from notifier.services.sign_up import SignUpRequest, SignUps

PER_NETWORK, NETWORK_SECONDS = 20, 3600


class TooManySignUpsError(NotifierError):
    """A network had its share; says nothing of any address."""


@dataclass(frozen=True)
class PublicSignUp:
    """What the form and the API do. How often one address is written to, `SignUps` limits."""

    sign_ups: SignUps
    quota: Quota

    def __call__(self, request: SignUpRequest) -> None:
        """Take a sign-up. Nothing is returned, for nothing may be told.

        Raises:
            TooManySignUpsError: the network had its share this hour.
            InvalidInputError: the address, locale, time zone or a component is at fault.
        """
        network = shortened_network(request.form.network) or "unknown"
        if not self.quota.take(f"sign-up:{network}", most=PER_NETWORK, seconds=NETWORK_SECONDS):
            raise TooManySignUpsError("too many sign-ups from this network")
        self.sign_ups.ask(request)
