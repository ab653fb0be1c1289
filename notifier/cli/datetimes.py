"""Times in command-line options."""

from datetime import datetime

from notifier.domain.errors import FieldError, InvalidInputError


def moment(option: str, text: str | None) -> datetime | None:
    """Parse an option's RFC 3339 time; None if it was not given.

    Raises:
        InvalidInputError: Names the option.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInputError([FieldError(option, "must be an RFC 3339 time with an offset")])
    return found
