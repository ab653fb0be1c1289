"""`notifier up`: API, workers, scheduler, sandbox and embedded Redis together."""

import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from notifier.domain.errors import ConfigError
from notifier.domain.values import QueueName
from notifier.files import HeldElsewhereError, file_lock, private_dir
from notifier.observability import get_logger
from notifier.parent_watch import HELD_VARIABLE, has_ended
from notifier.queueing import embedded
from notifier.settings import Settings, announced_sandbox
from notifier.supervise import listening
from notifier.supervise.child import ChildSpec
from notifier.supervise.health_clients import SandboxLink, answers
from notifier.supervise.launch import preload
from notifier.supervise.supervisor import Supervisor

# One process per kind of work (webhooks: as many as configured), with its own slots: a slow partner
# or provider delays nothing else (docs/decisions/0003-workers.md). Retries and bulk share one.
LAYOUT: Sequence[Sequence[QueueName]] = (
    (QueueName.CONTROL,),
    (QueueName.EMAIL,),
    (QueueName.SOCIAL,),
    (QueueName.WEBHOOK,),
    (QueueName.RETRY, QueueName.BULK),
)
_SANDBOX = "sandbox"
_KEEPER = "notifier.supervise.redis_supervisor"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Programs:
    """The modules that the children run. They are in layers above, so the command passes them in.

    Attributes:
        product: The module with the commands `api`, `worker` and `scheduler`.
        sandbox: The module of the simulated providers.
        load: Preloads what all of them need; called once, before forking.
    """

    product: str
    sandbox: str
    load: Callable[[], object]


def run_up(
    settings: Settings,
    *,
    host: str,
    port: int,
    migrate: Callable[[], None],
    programs: Programs,
) -> int:
    """Run the whole system on this machine until SIGTERM or Ctrl-C.

    Prints `notifier is up: URL` on standard output once /readyz answers; everything else goes to
    standard error.

    Args:
        settings: The configuration; the children read it again.
        host: Address of the API.
        port: Its port; 0 takes a free one.
        migrate: Upgrades the schema and leaves no connection open; called before anything starts.
        programs: What the children run.

    Returns:
        The exit code: 0 after a drain, 1 after a second signal, 2 for a child's configuration
        error.

    Raises:
        ConfigError: Port or data folder in use, missing provider key, or Redis does not start.
    """
    settings.check_providers()
    data_dir = settings.ensure_data_dir()
    with _alone_in(data_dir), listening.bind(host, port) as listener, _redis(settings):
        settings.secret_keys()
        settings.admin_token()
        migrate()
        preload(programs.load)
        return _supervise(settings, listener, programs)


def _supervise(settings: Settings, listener: socket.socket, programs: Programs) -> int:
    url = listening.base_url(listener)
    environ = _environ(settings, url)
    link = None
    if "NOTIFIER_SANDBOX_URL" in environ:
        link = SandboxLink(environ["NOTIFIER_SANDBOX_URL"], f"{url}/v1/inbound/sendgrid/events", settings.data_dir)
    groups = [
        [_api(programs.product, listener, environ)],
        [_worker(programs.product, name, queues, settings, environ) for name, queues in _processes(settings)],
        [ChildSpec(name="scheduler", module=programs.product, arguments=["scheduler"], environ=environ)],
        [*_stand_ins(settings, link, programs.sandbox)],
    ]
    where = f" (sandbox {link.url})" if link else ""

    def on_start(name: str) -> None:
        if name == _SANDBOX and link:
            link.forget()

    return Supervisor(
        groups=groups,
        check=lambda: (link is None or link.introduced) and answers(f"{url}/readyz"),
        on_ready=lambda: _print(f"notifier is up: {url}{where}"),
        on_start=on_start,
        every_tick=link.introduce if link else lambda: None,
        is_orphaned=has_ended if HELD_VARIABLE in os.environ else lambda: False,
        on_drain=listener.close,  # otherwise callers would wait in the backlog of a stopped API
    ).run()


def _environ(settings: Settings, url: str) -> dict[str, str]:
    """Return the children's extra environment: the addresses of this run."""
    found = {}
    if "public_url" not in settings.deployment.model_fields_set:
        found["NOTIFIER_PUBLIC_URL"] = url
    if settings.uses_sandbox and settings.deployment.sandbox_url is None:
        found["NOTIFIER_SANDBOX_URL"] = f"http://127.0.0.1:{listening.free_port(_last_sandbox_port(settings))}"
    return found


def _last_sandbox_port(settings: Settings) -> int:
    """Return the port of this data folder's last sandbox, to keep its URLs; 0 if there was none.

    No fixed port: two systems that start at once would both find it free, and one would send mail
    into the other's sandbox.
    """
    last = announced_sandbox(settings.data_dir)
    try:
        return (urlsplit(last.url).port if last else None) or 0
    except ValueError:
        return 0


def _api(program: str, listener: socket.socket, environ: dict[str, str]) -> ChildSpec:
    descriptor = listener.fileno()
    return ChildSpec(
        name="api",
        module=program,
        arguments=["api", "--fd", str(descriptor)],
        environ=environ,
        inherits=[descriptor],
        reports_ready=False,  # see /readyz
    )


def _processes(settings: Settings) -> Iterator[tuple[str, Sequence[QueueName]]]:
    for queues in LAYOUT:
        name = f"worker-{'-'.join(queues)}"
        yield name, queues
        if QueueName.WEBHOOK in queues:
            yield from ((f"{name}-{number}", queues) for number in range(2, settings.webhook_processes + 1))


def _worker(
    program: str, name: str, queues: Sequence[QueueName], settings: Settings, environ: dict[str, str]
) -> ChildSpec:
    return ChildSpec(
        name=name,
        module=program,
        arguments=["worker", "--queues", ",".join(queues)],
        environ=environ,
        stop_seconds=settings.drain_seconds + 5,
    )


def _stand_ins(settings: Settings, link: SandboxLink | None, sandbox: str) -> Iterator[ChildSpec]:
    """Yield the local stand-ins for external servers: providers and Redis."""
    if link:
        port = link.url.rpartition(":")[2]
        yield ChildSpec(name=_SANDBOX, module=sandbox, arguments=["--port", port], reports_ready=False)
    if settings.queue_addresses().embedded:
        yield ChildSpec(name="redis-keeper", module=_KEEPER, reports_ready=False)


@contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Lock the data folder: two systems in it would conflict over sandbox and sockets."""
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(private_dir(data_dir / "run") / "up.lock", wait=0))
        except HeldElsewhereError as error:
            hint = f"{data_dir} is in use: `notifier up` runs there as process {error.holder}"
            raise ConfigError("NOTIFIER_DATA_DIR", hint) from error
        except OSError as error:
            raise ConfigError("NOTIFIER_DATA_DIR", f"{error.filename} cannot be used: {error.strerror}") from error
        yield


@contextmanager
def _redis(settings: Settings) -> Iterator[None]:
    """Start or adopt the embedded Redis, unless one is configured; stop it at the end."""
    if not settings.queue_addresses().embedded:
        yield
        return
    embedded.ensure(settings.data_dir)
    try:
        yield
    finally:
        if not embedded.stop(settings.data_dir):
            _log.warning("embedded_redis_stop_failed")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
