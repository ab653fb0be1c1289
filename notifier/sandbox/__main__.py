"""`python -m notifier.sandbox`: run the sandbox as a separate process."""

import argparse
import signal
import sys
from types import FrameType
from typing import NoReturn

from notifier.sandbox.config import EventWebhook, SandboxConfig
from notifier.sandbox.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; print one line when ready."""
    parser = argparse.ArgumentParser(
        prog="python -m notifier.sandbox", description="Local stand-ins for the providers."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8026, help="port; 0 takes a free one (8026)")
    parser.add_argument("--event-url", help="where SendGrid's event batches are posted (nowhere)")
    options = parser.parse_args(arguments)
    config = SandboxConfig(events=EventWebhook(url=options.event_url) if options.event_url else None)
    signal.signal(signal.SIGTERM, _end)  # uvicorn re-raises the signal after it has stopped
    try:
        serve(options.host, options.port, config, ready=_print_url)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


def _end(_: int, __: FrameType | None) -> NoReturn:
    sys.exit(0)


def _print_url(base_url: str) -> None:
    sys.stdout.write(f"sandbox listening on {base_url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
