"""A sign-up as JSON: the public part of a subscriber."""

from notifier.inbound.bodies import Body, read_json
from notifier.inbound.subscribers import MailAddress, PreferencesBody


class SignUpBody(Body):
    """A new subscriber and their preferences. Locale and time zone default to the brand's."""

    email: MailAddress
    locale: str | None = None
    timezone: str | None = None
    preferences: PreferencesBody = PreferencesBody()


def parse_sign_up(data: bytes | str) -> SignUpBody:
    """Parse a sign-up from JSON.

    Raises:
        InvalidInputError: Names every field at fault by its dotted path.
    """
    return read_json(SignUpBody, data)
