"""Jinja2 set up for our templates: sandboxed, strict, HTML-escaped, translated for `reader`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, Template, pass_context
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.domain.errors import ConfigError
from notifier.observability import get_logger
from notifier.rendering.language import Language
from notifier.rendering.template_faults import FAULTS, fault_of

BUNDLED = "bundled"  # `{% extends "bundled/incident_opened/email.body.html" %}`: the replaced file
OWN_TEMPLATES = "brand.templates"  # the setting with the operator's template folder
_log = get_logger(__name__)


class _Compiled(BytecodeCache):
    """Compiled templates of this process, by file and content, shared by all environments."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a bucket; Jinja2 discards code compiled from other content."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store the compiled code."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()  # `_environment` builds all environments alike, so they can share code


class Templates:
    """The compiled templates. Operators can write their own, so all of them run in the sandbox.

    Args:
        folder: The bundled templates.
        own: The operator's folder; its files replace bundled ones of the same name.
        strict: Whether to raise an error in an operator's template. Otherwise the bundled one is
            used: a notification must not wait until somebody fixes a template.
    """

    def __init__(self, folder: Path, own: Path | None = None, *, strict: bool = False) -> None:
        bundled = FileSystemLoader(folder)
        self._bundled = _environment(bundled)
        self._own = own
        self._environment = self._bundled
        if own is not None:
            self._environment = _environment(
                ChoiceLoader([FileSystemLoader(own), bundled, PrefixLoader({BUNDLED: bundled})])
            )
        self._strict = strict
        self._reported: set[str] = set()

    def render(self, name: str, reader: Language, context: Mapping[str, Any]) -> str:
        """Render one template for a reader; `context` must define every variable it uses.

        Raises:
            ConfigError: an operator's template is faulty and `strict` is set; names file and line.
        """
        values = {**context, "reader": reader}
        if self._own is None:
            return self.get(name).render(values)
        try:
            return self.get(name).render(values)
        except FAULTS as error:
            fault = fault_of(error, name, self._own)
            if self._strict:
                raise ConfigError(OWN_TEMPLATES, fault) from error
            if fault not in self._reported:
                self._reported.add(fault)
                _log.error("custom_template_failed", fault=fault, hint="the bundled template is used instead")
            return self._bundled.get_template(name).render(values)

    def get(self, name: str) -> Template:
        """Return the compiled template; cached."""
        return self._environment.get_template(name)

    def add_filters(self, filters: Mapping[str, Any]) -> None:
        """Add filters for all templates."""
        for environment in (self._environment, self._bundled):
            environment.filters.update(filters)


def check_own(folder: Path, own: Path) -> None:
    """Compile every template in an operator's folder.

    Raises:
        ConfigError: names file, line and error of the first fault.
    """
    if not own.is_dir():
        raise ConfigError(OWN_TEMPLATES, f"{own} is no folder")
    templates = Templates(folder, own, strict=True)
    for path in sorted(own.rglob("*")):
        name = path.relative_to(own).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(own).parts):
            try:
                templates.get(name)
            except FAULTS as error:
                raise ConfigError(OWN_TEMPLATES, fault_of(error, name, own)) from error


def _environment(loader: BaseLoader) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=_is_html,
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        auto_reload=False,
        cache_size=200,
        bytecode_cache=_compiled,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    return environment


def _is_html(name: str | None) -> bool:
    return name is None or name.endswith((".html", ".css"))


@pass_context
def _gettext(context: Context, message: str) -> str:
    reader: Language = context["reader"]
    return reader.gettext(message)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, number: int) -> str:
    reader: Language = context["reader"]
    return reader.ngettext(singular, plural, number)
