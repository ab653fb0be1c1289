"""structlog over the standard library's logging: one event per line, to standard error, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from io import StringIO
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import ExcInfo, Processor

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

_HIDDEN = "[hidden]"
_SECRET_KEYS = re.compile(r"authorization|password|passwd|secret|token|api_?key|cookie|signature", re.IGNORECASE)
# What secrets look like inside a text: the user part of a URL, a bearer header, SendGrid's keys, webhook secrets.
_SECRET_TEXTS = (
    (re.compile(r"(?<=://)[^/\s@'\"]+(?=@)"), _HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"\bSG\.[\w-]{10,}\.[\w-]{10,}"), _HIDDEN),
    (re.compile(r"\b(?:whsec|whsk|ntf_key)_[\w+/=-]{10,}"), _HIDDEN),
    (re.compile(r"([?&](?:key|token)=)[^&\s'\"]+"), rf"\1{_HIDDEN}"),
)
_context: dict[str, str] = {}  # said with every event of this process
# They tell of every request, connection or message at INFO; their warnings are worth reading.
_TALKATIVE = ("httpx", "httpcore", "urllib3", "kombu", "amqp", "asyncio", "markdown_it", "alembic", "celery")
# It repeats what our task policy says in one line (a message handed back) with a traceback; bugs it logs as errors.
_ERRORS_ONLY = ("celery.app.trace",)

# Every event goes to the standard library as a record; what is added and hidden is up to the one handler, which the
# libraries' records reach too.
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: `log.info("snake_case_event", field=value)`; docs/logs.md lists the events."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(level: Level = "info", form: Format = "auto", **context: str) -> None:
    """Set logging up for this process; call it once, at the start (a forked child again, as another process).

    Args:
        level: The least that is written.
        form: `console` for people, `json` for machines; `auto` asks whether standard error is a terminal.
        context: Said with every event of the process, such as `process="worker-email"`.
    """
    # In place: loggers that spoke already keep the processors they found.
    _context.clear()
    _context.update(context)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _add_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(form)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in _ERRORS_ONLY:
        logging.getLogger(name).setLevel(logging.ERROR)


def _add_context(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("data", None)  # Celery's copy of what its sentence already says
    return {**_context, **event}


def _rendering(form: Format) -> list[Processor]:
    tidy: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form == "console" or (form == "auto" and sys.stderr.isatty()):
        return [tidy, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_write_traceback)]
    # A traceback's text comes into being here, after the first look, so it is looked through once more.
    return [tidy, structlog.processors.format_exc_info, hide_secrets, structlog.processors.JSONRenderer(default=str)]


def _write_traceback(out: TextIO, exception: ExcInfo) -> None:
    whole = StringIO()
    structlog.dev.plain_traceback(whole, exception)
    out.write(without_secrets(whole.getvalue()))


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values under telling keys, and what looks like a secret inside texts."""
    for key, value in event.items():
        if key.startswith("_"):
            continue
        if _SECRET_KEYS.search(key):
            event[key] = _HIDDEN
        elif isinstance(value, str):
            event[key] = without_secrets(value)
    return event


def without_secrets(text: str) -> str:
    """Return a text with everything that looks like a secret taken out."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text
