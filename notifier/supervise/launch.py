"""`python -m notifier.supervise.launch MODULE [ARGUMENT ...]`: a module as a child that ends with its supervisor."""

import runpy
import sys

from notifier.lifeline import watch

# Longer than any child takes to drain by itself; what still runs then is stuck.
GRACE_SECONDS = 60.0


def main() -> None:
    """Watch the supervisor, then become the module named by the first argument."""
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    watch(GRACE_SECONDS)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
