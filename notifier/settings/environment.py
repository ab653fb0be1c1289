"""Read NOTIFIER_... variables, directly or from files; reject misspelled ones."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.domain.errors import ConfigError
from notifier.domain.values import Platform
from notifier.settings.deployment import PREFIX, Deployment

FILE_SUFFIX = "_FILE"
_FOR_OTHERS = ("NOTIFIER_TEST_",)  # for the test suite; the programs it starts inherit them
_FILE_LIMIT = 64 * 1024

CREDENTIAL_FIELDS: Mapping[Platform, tuple[str, ...]] = {
    Platform.X: ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"),
    Platform.MASTODON: ("ACCESS_TOKEN",),
    Platform.BLUESKY: ("HANDLE", "APP_PASSWORD"),
}
_ACCOUNT_PREFIX = f"{PREFIX}ACCOUNT_"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's value, and the name under which it was found (`NAME` or `NAME_FILE`)."""

    source: str
    value: str


def account_variable(account: str, field: str) -> str:
    """Return the variable of a credential.

    For example, `x-nl`, `CONSUMER_KEY` -> `NOTIFIER_ACCOUNT_X_NL_CONSUMER_KEY`.
    """
    return f"{_ACCOUNT_PREFIX}{account.upper().replace('-', '_')}_{field}"


def deployment_variables() -> frozenset[str]:
    """Return the names of all variables except the accounts' credentials."""
    return frozenset(f"{PREFIX}{field.upper()}" for field in Deployment.model_fields)


def read_variables(environ: Mapping[str, str], known: Collection[str]) -> dict[str, Variable]:
    """Read the `known` variables from an environment, following `NAME_FILE`.

    Unset and empty are the same.

    Raises:
        ConfigError: An unknown NOTIFIER_ variable; a variable given both ways; an unreadable file.
    """
    refuse_unknown(environ, known)
    found = {}
    for name in sorted(known):
        direct, path = environ.get(name, ""), environ.get(name + FILE_SUFFIX, "")
        if direct and path:
            raise ConfigError(name, f"is set, and so is {name}{FILE_SUFFIX}: keep one of the two")
        if path:
            found[name] = Variable(name + FILE_SUFFIX, _content(name + FILE_SUFFIX, Path(path)))
        elif direct:
            found[name] = Variable(name, direct)
    return found


def refuse_unknown(environ: Mapping[str, str], known: Collection[str]) -> None:
    """Reject the first unknown NOTIFIER_ variable, with a suggestion."""
    accepted = {*known, *(name + FILE_SUFFIX for name in known)}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(_FOR_OTHERS) or name in accepted:
            continue
        likely = difflib.get_close_matches(name, sorted(accepted), n=1)
        hint = f"did you mean {likely[0]}?" if likely else "see the settings table in the README"
        about = "no account of that name, or not a field of its platform" if name.startswith(_ACCOUNT_PREFIX) else ""
        raise ConfigError(name, f"is no setting ({about}); {hint}" if about else f"is no setting; {hint}")


def _content(variable: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_FILE_LIMIT)
    except OSError as error:
        raise ConfigError(variable, f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(variable, f"{path} is not UTF-8 text") from error
    if not text.strip():
        raise ConfigError(variable, f"{path} is empty")
    return text.strip()
