"""`notifier demo`: start an installation, replay the incident, print the results."""

import shutil
import signal
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from notifier.demo import story
from notifier.demo.replay import Progress, Replay, Result
from notifier.demo.upstream import Upstream
from notifier.sandbox.server import SandboxServer
from notifier.supervise.installation import Installation, installation

_WINDOW_SECONDS = 60  # the default policy's, compressed by the same factor


def run_demo(data_dir: Path, *, speed: float, subscribers: int, keep: bool, quiet: bool, console: Console) -> Result:
    """Replay 21 June 2022 and return the figures.

    Args:
        data_dir: The demo creates its own folder in it, and removes that at the end.
        speed: Factor of time compression.
        subscribers: Number of merchants.
        keep: Keep everything running until Ctrl-C, with the sandbox's pages open in the browser.
        quiet: Print only what `keep` needs.
        console: Where to print.
    """
    with _stopped_by_signals(), _folder(data_dir) as folder, SandboxServer() as pages:
        upstream, config = Upstream(pages), folder / "notifier.toml"
        config.write_text(_policy(speed) + upstream.policy(), encoding="utf-8")
        environ = {"NOTIFIER_CONFIG": str(config), "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
        with installation(folder, environ) as system, _progress(console, quiet=quiet) as live:
            replay = Replay(
                system,
                upstream,
                merchants=subscribers,
                speed=speed,
                watch=lambda progress: live.update(_line(progress)),
            )
            result = replay.run()
            live.stop()
            if not quiet:
                _show(console, result)
            if keep:
                _keep(console, system, upstream)
        return result


_OLD_NEWS = "\n[guard]\nhold_older_than = 0\n"  # the replayed events are from 2022


def _policy(speed: float) -> str:
    window = _WINDOW_SECONDS / speed
    return (
        f"[coalesce]\nwindow = {window:.3f}\nmax_window = {window * 10:.3f}\n\n[coalesce.webhook]\nwindow = 0.0\n"
        + _OLD_NEWS
    )


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Treat SIGTERM and a closed terminal like Ctrl-C: end the demo and everything it started."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _folder(data_dir: Path) -> Iterator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _progress(console: Console, *, quiet: bool) -> Iterator[Live]:
    with Live(Text("starting: API, workers, scheduler, Redis, sandbox"), console=console, transient=True) as live:
        if quiet:
            live.stop()
        yield live


def _line(progress: Progress) -> Text:
    counts = f"{progress.mails:>6} mails  {progress.posts:>3} posts  {progress.webhooks:>4} webhooks"
    return Text(f"update {progress.updates}/6  {counts}   {progress.line}")


def _show(console: Console, result: Result) -> None:
    title = "Delivered, per notification (first and last arrival at the sandbox, in seconds after the decision)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("channel", "no.", "updates", "delivered", "languages", "first", "last"):
        table.add_column(column, justify="left" if column in ("channel", "updates", "languages") else "right")
    for row in result.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)
    _show_drafts(console, result)
    console.print("mails     " + _pairs(result.emails))
    console.print("posts     " + _pairs(result.social))
    console.print(f"webhooks  {result.webhooks}")
    verdict = "failed" if result.failed else "every update reached exactly its recipients"
    console.print(f"lost {result.lost}, duplicates {result.duplicates}, {result.seconds:.1f} s: {verdict}")
    for fault in result.wrong:
        console.print(f"  {fault}", markup=False)


def _show_drafts(console: Console, result: Result) -> None:
    table = Table(title="Drafts", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in ("draft", "update", "proposed by", "published by"):
        table.add_column(column)
    for draft in result.drafts:
        table.add_row(draft.id, draft.update_id, draft.proposed_by, draft.published_by)
    console.print(table)


def _pairs(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def _keep(console: Console, system: Installation, upstream: Upstream) -> None:
    """Keep the installation running for a look around."""
    pages = {
        "inbox": f"{system.sandbox}/inbox",
        "posts": f"{system.sandbox}/social",
        "webhooks": f"{system.sandbox}/webhooks",
        "cause": f"{upstream.url}/api/v2/incidents.json",
        "incident": f"{system.url}/en/incidents/{story.INCIDENT_ID}",
        "console": f"{system.url}/console",
        "API": f"{system.url}/docs",
    }
    for name, url in pages.items():
        console.print(f"{name:<9} {url}", style="link " + url)
    console.print(f"Key for the console: {system.token}", markup=False)
    console.print("Press Ctrl-C to stop.")
    webbrowser.open(pages["console"])
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("stopping")
