"""The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

from notifier.cli.main import main

__all__ = ["main"]
