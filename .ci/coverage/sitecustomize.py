"""Counts the lines and branches of the product that a process runs, where COVERAGE_FILES names a folder for the counts.

Python runs a module of this name when it starts. `make test` puts it on the path, so that every process counts: pytest,
its workers, programs that tests start, and what those fork. SlipCover instruments the product's own modules while they
are loaded, and nothing else; a tracer slows down tests and libraries too, by half (decision 0012).
"""

import os

if "COVERAGE_FILES" in os.environ:
    import ast
    import atexit
    import json
    import marshal
    import sys
    import time
    from importlib.abc import MetaPathFinder
    from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
    from multiprocessing.util import Finalize, register_after_fork
    from pathlib import Path
    from types import CodeType

    from slipcover import FileMatcher, Slipcover, wrap_spec_from_file_location
    from slipcover.branch import preinstrument
    from slipcover.config import read_config

    ROOT = Path(__file__).resolve().parents[2]
    CONFIG = read_config(ROOT / "pyproject.toml")

    class Count:
        """What this process has run; written down when it ends."""

        def __init__(self) -> None:
            # Threshold: instructions once hit stay. Taking them out would swap the code of functions that threads run.
            self.slipcover = Slipcover(branch=True, d_miss_threshold=-1, exclude_also=CONFIG["exclude-also"])
            self._name_file()
            atexit.register(self.save)
            register_after_fork(self, Count._begin_anew)

        def save(self) -> None:
            """Write down what was counted up to now."""
            self._file.write_text(json.dumps(self.slipcover.get_coverage()))

        def _begin_anew(self) -> None:
            self.slipcover.signal_child_process()
            self._name_file()
            Finalize(None, self.save, exitpriority=0)  # a forked process ends without `atexit`

        def _name_file(self) -> None:
            self._file = Path(os.environ["COVERAGE_FILES"], f"{os.getpid()}-{time.time_ns()}.json")

    class Loader(SourceFileLoader):
        """Instruments what it loads, for `import` and for `python -m`."""

        def get_code(self, fullname: str) -> CodeType:
            # Kept for the run: a dozen processes load the same modules, and this is half of what that costs.
            kept = Path(os.environ["COVERAGE_FILES"], f"{fullname}.code")
            try:
                code = marshal.loads(kept.read_bytes())  # noqa: S302 - of this run's own folder
            except FileNotFoundError:
                tree = preinstrument(ast.parse(self.get_data(self.path)))
                code = compile(tree, self.path, "exec", dont_inherit=True)
                beside = kept.with_suffix(f".{os.getpid()}")
                beside.write_bytes(marshal.dumps(code))
                beside.replace(kept)
            return COUNT.slipcover.instrument(code)

    class Finder(MetaPathFinder):
        """Finds the product's own modules."""

        def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
            if fullname.partition(".")[0] not in CONFIG["source"]:
                return None
            spec = PathFinder.find_spec(fullname, path, target)
            if spec and isinstance(spec.loader, SourceFileLoader) and Path(spec.origin).is_relative_to(ROOT):
                spec.loader = Loader(spec.loader.name, spec.loader.path)
            return spec

    COUNT = Count()
    sys.meta_path.insert(0, Finder())
    # Migrations are loaded by their path.
    wrap_spec_from_file_location(COUNT.slipcover, FileMatcher(ROOT / source for source in CONFIG["source"]))
