"""From files and variables to one validated object, or one sentence that names the error."""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from notifier.domain.errors import ConfigError
from notifier.resources import default_config_path
from notifier.settings.config_checks import check_config
from notifier.settings.config_file import ConfigFile
from notifier.settings.deployment import PREFIX, Deployment
from notifier.settings.environment import (
    CREDENTIAL_FIELDS,
    Variable,
    account_variable,
    deployment_variables,
    read_variables,
)
from notifier.settings.settings import Settings

_CONFIG_VARIABLE = f"{PREFIX}CONFIG"
_USUAL_FILE = "notifier.toml"
Model = TypeVar("Model", bound=BaseModel)


def load_settings(
    environ: Mapping[str, str] | None = None, *, config: Path | None = None, cwd: Path | None = None
) -> Settings:
    """Read the configuration once: the file, the variables, then checks across both.

    Args:
        environ: Variables; by default this process's. An empty mapping reads only the file
            (`simulate`).
        config: The file; takes precedence over NOTIFIER_CONFIG and `notifier.toml` in the working
            directory.
        cwd: Base of relative paths; by default the working directory.

    Raises:
        ConfigError: Names the variable or the dotted TOML key at fault.
    """
    variables = os.environ if environ is None else environ
    home = cwd or Path.cwd()
    named = read_variables({key: variables[key] for key in variables if key.startswith(_CONFIG_VARIABLE)},
                           [_CONFIG_VARIABLE])  # fmt: skip
    path, origin = _config_path(config, named.get(_CONFIG_VARIABLE), home)
    merged = read_config_file(path, origin)
    credentials = {
        account_variable(account.name, field)
        for account in merged.accounts
        for field in CREDENTIAL_FIELDS[account.platform]
    }
    plain = deployment_variables()
    found = read_variables(variables, plain | credentials)
    deployment = _deployment({name: found[name] for name in found if name in plain})
    return Settings(
        config=merged,
        deployment=deployment,
        credentials={name: variable.value for name, variable in found.items() if name in credentials},
        home=home,
        config_file=path,
    )


def _config_path(config: Path | None, variable: Variable | None, home: Path) -> tuple[Path | None, str]:
    """Return the operator's file, if any, and its name for messages."""
    if config is not None:
        return home / config, str(config)
    if variable is not None:
        return home / variable.value, variable.source
    usual = home / _USUAL_FILE
    # A dangling link is a mistake worth reporting, so check for the link rather than its target.
    return (usual, _USUAL_FILE) if usual.exists() or usual.is_symlink() else (None, _USUAL_FILE)


def read_config_file(path: Path | None, origin: str) -> ConfigFile:
    """Merge the operator's file into `notifier/default.toml` and validate the result."""
    defaults = _read_toml(default_config_path(), "notifier/default.toml")
    own = _read_toml(path, origin) if path is not None else {}
    try:
        config = ConfigFile.model_validate(_laid_over(defaults, own))
    except ValidationError as error:
        raise _named(error, ConfigFile) from None
    check_config(config, own)
    return config


def _read_toml(path: Path, origin: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(origin, f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(origin, f"{path} is not valid TOML: {error}") from error


def _laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables key by key, except values such as `name`: merging would mix two brands."""
    merged = dict(base)
    for key, value in own.items():
        known = base.get(key)
        is_section = isinstance(known, dict) and isinstance(value, dict) and key not in _VALUES
        merged[key] = _laid_over(known, value) if is_section and known is not None else value
    return merged


_VALUES = frozenset({"name", "from_email", "reply_to"})


def _deployment(found: Mapping[str, Variable]) -> Deployment:
    values = {name.removeprefix(PREFIX).lower(): variable.value for name, variable in found.items()}
    try:
        return Deployment.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        name = f"{PREFIX}{str(fault['loc'][0]).upper()}"
        raise ConfigError(found[name].source, _sentence(fault)) from None


def _named(error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """Describe pydantic's first error; unknown keys come first, as they often cause the rest."""
    faults = error.errors()
    fault = next((item for item in faults if item["type"] == "extra_forbidden"), faults[0])
    field = ".".join(str(step) for step in fault["loc"] if step != "[key]")
    if fault["type"] != "extra_forbidden":
        return ConfigError(field, _sentence(fault))
    likely = difflib.get_close_matches(str(fault["loc"][-1]), _keys_at(model, fault["loc"][:-1]), n=1)
    return ConfigError(field, f"is no key of the configuration{f'; did you mean {likely[0]}?' if likely else ''}")


def _keys_at(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Return the keys of a table, found by following `path` through the models."""
    for step in path:
        if isinstance(step, int):
            continue
        annotation = model.model_fields[step].annotation
        inner = next((item for item in (annotation, *get_args(annotation)) if _is_model(item)), None)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _is_model(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, BaseModel)


def _sentence(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    return _PLAIN_WORDS.get(fault["type"], message.replace("Input should", "must", 1))


_PLAIN_WORDS = {
    "missing": "is missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
