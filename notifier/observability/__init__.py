"""Logs as one stream of events, whoever writes them: ours, Celery's, uvicorn's, the libraries'."""

from notifier.observability.logs import configure_logging, get_logger

__all__ = ["configure_logging", "get_logger"]
