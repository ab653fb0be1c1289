"""Public sign-up: rate-limited per network before any lookup, with the same answer for everyone."""

from dataclasses import dataclass

from notifier.domain.errors import NotifierError
from notifier.domain.messages.transactional_mail import MAILS_PER_DAY
from notifier.domain.recipients.consent import shortened_network
from notifier.services.ports import Quota
from notifier.services.subscribers.sign_up import SignUpRequest, SignUps
from notifier.services.subscribers.sign_up_limit import SignUpLimit

PER_NETWORK, NETWORK_SECONDS = 20, 3600
_DAY_SECONDS = 86_400


class TooManySignUpsError(NotifierError):
    """A network's or the installation's limit is reached; reveals nothing about any address."""


@dataclass(frozen=True)
class PublicSignUp:
    """Sign-up for the form and the API.

    `SignUps` limits mail per address; this also limits it per mailbox.
    """

    sign_ups: SignUps
    quota: Quota
    ceiling: SignUpLimit

    def take(self, request: SignUpRequest) -> None:
        """Accept a sign-up. Returns nothing, so that nothing about the address is revealed.

        Raises:
            TooManySignUpsError: the network's or the installation's hourly limit is reached.
            InvalidInputError: the address, locale, time zone or a component is invalid.
        """
        network = shortened_network(request.form.network) or "unknown"
        if not self.quota.take(f"sign-up:{network}", most=PER_NETWORK, seconds=NETWORK_SECONDS):
            raise TooManySignUpsError("too many sign-ups from this network")
        if not self.ceiling.take():
            raise TooManySignUpsError("too many sign-ups in this hour")
        if self._may_write_to(request.email):
            self.sign_ups.ask(request)
        else:
            self.sign_ups.check(request)  # report invalid input all the same: it reveals nothing

    def _may_write_to(self, email: str) -> bool:
        """Whether a mailbox may get another mail today, under any of its addresses."""
        key = self.sign_ups.addresses.of(mailbox_of(email))
        return self.quota.take(f"mailbox:{key:x}", most=MAILS_PER_DAY, seconds=_DAY_SECONDS)


def mailbox_of(email: str) -> str:
    """Return the address without the detail part (RFC 5233: `user+detail@host` is `user@host`)."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}".lower()
