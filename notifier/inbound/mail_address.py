"""E-mail addresses in the one form that leaves this system: ASCII, no blanks or line breaks, at most 254 long."""

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from notifier.domain.recipients.subscriber import MAX_EMAIL

# Plain addresses, which is nearly all of them, are judged by this pattern, thirty times as fast as by the library;
# whatever it does not match goes to the library. A test proves that it lets nothing through that the library refuses.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?=.{{6,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}", re.ASCII
)
# Reserved by RFC 6761; `.test` is what staging systems use, and mail to it harms nobody.
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")


def mail_address(text: str) -> str:
    """Return an address as providers take it: the domain in lower case and in ASCII (IDNA 2008).

    No DNS is asked. A local part beyond ASCII is refused: SendGrid delivers none (RFC 6531 is not supported there).

    Raises:
        ValueError: one sentence that says what is wrong with it.
    """
    text = text.strip(" \t")
    plain = plain_address(text)
    if plain is not None:
        return plain
    if len(text) > MAX_EMAIL * 4:
        raise ValueError(f"must have at most {MAX_EMAIL} characters")
    return _by_library(text)


def plain_address(text: str) -> str | None:
    """Return a plain address in its normal form without asking the library; None for whatever it must judge."""
    if not _PLAIN.fullmatch(text):
        return None
    local, _, domain = text.rpartition("@")
    domain = domain.lower()
    return None if f".{domain}".endswith(_SPECIAL) else f"{local}@{domain}"


def _by_library(text: str) -> str:
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=True,
            strict=True,
        )
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from None
    address = found.ascii_email
    if address is None or len(address) > MAX_EMAIL or not address.isascii() or not address.isprintable():
        raise ValueError(f"must have an ASCII form of at most {MAX_EMAIL} characters")
    return address
