"""Sign-up by anybody: limited per network before anything is looked up, and answered alike whatever was found."""

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
    """A network, or the whole house, had its share; says nothing of any address."""


@dataclass(frozen=True)
class PublicSignUp:
    """What the form and the API do. `SignUps` limits how often an address is written to; mailboxes are limited here."""

    sign_ups: SignUps
    quota: Quota
    ceiling: SignUpLimit

    def take(self, request: SignUpRequest) -> None:
        """Take a sign-up. Nothing is returned, for nothing may be told.

        Raises:
            TooManySignUpsError: the network, or the house, had its share this hour.
            InvalidInputError: the address, locale, time zone or a component is at fault.
        """
        network = shortened_network(request.form.network) or "unknown"
        if not self.quota.take(f"sign-up:{network}", most=PER_NETWORK, seconds=NETWORK_SECONDS):
            raise TooManySignUpsError("too many sign-ups from this network")
        if not self.ceiling.take():
            raise TooManySignUpsError("too many sign-ups in this hour")
        if self._may_write_to(request.email):
            self.sign_ups.ask(request)
        else:
            self.sign_ups.check(request)  # what is at fault is said all the same: nothing is told of the mailbox

    def _may_write_to(self, email: str) -> bool:
        """Whether a mailbox may get another letter today, under whichever of its many names."""
        key = self.sign_ups.addresses.of(mailbox_of(email))
        return self.quota.take(f"mailbox:{key:x}", most=MAILS_PER_DAY, seconds=_DAY_SECONDS)


def mailbox_of(email: str) -> str:
    """Return the address without the part that many providers ignore (RFC 5233: `user+detail@host` is `user@host`)."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}".lower()
