"""A supervisor of fake children. Arguments: diary, then groups in the order of draining: `a,b:stubborn c`."""

import sys

from notifier.observability import configure_logging
from notifier.supervise.child import ChildSpec
from notifier.supervise.supervisor import Supervisor


def spec(diary: str, text: str) -> ChildSpec:
    name, *traits = text.split(":")
    return ChildSpec(name=name, module="fake_child", arguments=[diary, name, *traits], stop_seconds=1.0)


if __name__ == "__main__":
    configure_logging("info", "json")
    diary, *groups = sys.argv[1:]
    supervisor = Supervisor(
        groups=[[spec(diary, text) for text in group.split(",")] for group in groups],
        check=lambda: True,
        on_ready=lambda: print("all are ready", flush=True),  # noqa: T201  the test waits for it
        on_drain=lambda: print("draining", flush=True),  # noqa: T201
    )
    sys.exit(supervisor.run())
