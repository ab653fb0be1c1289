"""A running system and a real browser. Nothing is skipped: what is missing fails, and `make e2e` says how to get it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from notifier.supervise.installation import Installation, installation

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("e2e"), {}) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], headless=True, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    return Path(os.environ["AXE_CORE"]).read_text(encoding="utf-8")
