"""Jinja2 as we use it: sandboxed, strict, HTML escaped, speaking the language of `reader` in the context."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.rendering.language import Language


class Templates:
    """The compiled templates of one folder. Operators edit them: the sandbox keeps a template from reaching further."""

    def __init__(self, folder: Path, *, auto_reload: bool = False) -> None:
        self._environment = _environment(folder, auto_reload=auto_reload)

    def render(self, name: str, reader: Language, context: Mapping[str, Any]) -> str:
        """Render one template for a reader; every name it uses must be in `context` (or a filter given at start)."""
        return self.get(name).render({**context, "reader": reader})

    def get(self, name: str) -> Template:
        """The compiled template, kept after the first use."""
        return self._environment.get_template(name)

    def add_filters(self, filters: Mapping[str, Any]) -> None:
        """Offer more filters to every template."""
        self._environment.filters.update(filters)


def _environment(folder: Path, *, auto_reload: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=_is_html,
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        auto_reload=auto_reload,
        cache_size=200,
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
