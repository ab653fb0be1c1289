"""CSRF tokens: signed per form and subscriber, valid for half a day.

No cookie is needed. If a signed link already is the authority, this adds to it: the link alone,
embedded in another site's form, changes nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from notifier.services.ports import Clock
from notifier.services.security.signed_tokens import ForeignPurposeError, Purpose, Tokens

_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class CsrfTokens:
    """Issues and checks CSRF tokens."""

    tokens: Tokens
    clock: Clock

    def issue(self, form: str, subject: int = 0) -> str:
        """Return the hidden field's value for a form, shown to a subscriber (0: to anybody)."""
        return self.tokens.expiring(Purpose.FORM, subject, _detail(form), lifetime=_LIFETIME)

    def check(self, token: str, form: str, subject: int = 0) -> None:
        """Accept a token of this form and subject.

        Raises:
            TokenError: it belongs to another form or subject, is expired, or is invalid.
        """
        claim = self.tokens.read(Purpose.FORM, token, self.clock())
        if (claim.subject, claim.detail) != (subject, _detail(form)):
            raise ForeignPurposeError("a token of another form")


def _detail(form: str) -> int:
    return int.from_bytes(hashlib.sha256(form.encode()).digest()[:8], "big")
