"""What a form carries so that only a page of ours can have it sent: signed, for this form and reader, for half a day.

No cookie is needed for it. Where a link's token already is the authority this comes on top: the link alone, pasted
into another site's form, changes nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from notifier.services.ports import Clock
from notifier.services.security.signed_tokens import ForeignPurposeError, Purpose, Tokens

_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class CsrfTokens:
    """Issues and checks form tokens."""

    tokens: Tokens
    clock: Clock

    def issue(self, form: str, subject: int = 0) -> str:
        """Return the hidden field's value for a form by its name, shown to a subscriber (0: to anybody)."""
        return self.tokens.expiring(Purpose.FORM, subject, _detail(form), lifetime=_LIFETIME)

    def check(self, token: str, form: str, subject: int = 0) -> None:
        """Accept a token of this form and subject.

        Raises:
            TokenError: it is of another form, of another reader, too old, or not ours.
        """
        claim = self.tokens.read(Purpose.FORM, token, self.clock())
        if (claim.subject, claim.detail) != (subject, _detail(form)):
            raise ForeignPurposeError("a token of another form")


def _detail(form: str) -> int:
    return int.from_bytes(hashlib.sha256(form.encode()).digest()[:8], "big")
