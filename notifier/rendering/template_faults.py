"""Describe an error in an operator's template in one line: file, line and message."""

import traceback
from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError, TemplateError

# Anything a template expression can raise: `{{ 1 / 0 }}`, `{{ "a" + 1 }}`, `{{ title.nothing() }}`.
FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def fault_of(error: Exception, name: str, own: Path) -> str:
    """Describe an error while rendering or compiling `name`, at the innermost line in `own`."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}: {error.message}"
    if isinstance(error, TemplateNotFound):
        return f"{name}: there is no template {error.name!r}"
    file, line = name, 0
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(own):
            file, line = path.relative_to(own).as_posix(), frame.lineno or 0
    at = f", line {line}" if line else ""
    kind = "is not allowed in a template: " if isinstance(error, SecurityError) else ""
    return f"{file}{at}: {kind}{' '.join(str(error).split())[:300] or type(error).__name__}"
