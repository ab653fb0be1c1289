"""A sign-up as JSON: the public part of a subscriber."""

from notifier.inbound.bodies import Body, read_json
from notifier.inbound.subscribers import MailAddress, PreferencesBody


class SignUpBody(Body):
    """Who wants to be told, and what. An omitted locale or time zone means the brand's."""

    email: MailAddress
    locale: str | None = None
    timezone: str | None = None
    preferences: PreferencesBody = PreferencesBody()


def parse_sign_up(data: bytes | str) -> SignUpBody:
    """Read a sign-up from JSON.

    Raises:
        InvalidInputError: names every field at fault by its dotted path.
    """
    return read_json(SignUpBody, data)
