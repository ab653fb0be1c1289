"""What concerns every test."""

import gc


def pytest_collection_finish() -> None:
    """Take what stays to the end (modules, thousands of tests) out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()
