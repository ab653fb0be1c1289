"""A reader at a browser, who looks at every page closely: as axe-core does, in light and dark, narrow and wide."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, Response

_PATIENCE = 30.0
_WIDTHS = (320, 1280)  # WCAG 2.2, 1.4.10: 320 CSS pixels without scrolling sideways
_RUN = """async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, {runOnly: rules});
  return found.violations.map(
    fault => `${fault.impact} ${fault.id}: ${fault.nodes.map(node => node.html).join(" | ")}`
  );
}"""


@dataclass
class Visitor:
    """One browser profile: no cookies to begin with, and none afterwards."""

    browser: Browser
    axe: str
    origins: tuple[str, ...]
    locale: str
    width: int
    script: bool = True
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Our pages forbid every script; axe-core is let in past that.
        self.context = self.browser.new_context(
            locale=self.locale,
            viewport={"width": self.width, "height": 800},
            java_script_enabled=self.script,
            bypass_csp=self.script,
        )
        self.context.set_default_timeout(_PATIENCE * 1000)
        self.page = self.watched(self.context.new_page())

    def watched(self, page: Page) -> Page:
        """Note what a page loads from elsewhere, and what the browser complains of."""
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda said: self._said(said.type, said.text, said.location["url"]))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _asked(self, url: str) -> None:
        if not url.startswith((*self.origins, "data:", "about:")):
            self.complaints.append(f"asked {url}")

    def _said(self, kind: str, text: str, where: str) -> None:
        # A form that is shown again with its faults is answered with 422, which the browser calls an error; and it
        # looks for an icon on the sandbox's pages, which have none.
        if kind == "error" and "status of 422" not in text and not where.endswith("/favicon.ico"):
            self.complaints.append(text)

    def go(self, path: str) -> Response:
        """Open a path of the house, or a whole URL."""
        url = path if path.startswith("http") else self.origins[0] + path
        answer = self.page.goto(url)
        assert answer is not None
        return answer

    def press(self, name: str) -> None:
        """Press the first button or link of that name, as a keyboard user does."""
        target = (
            self.page.get_by_role("button", name=name, exact=True)
            .or_(self.page.get_by_role("link", name=name, exact=True))
            .first
        )
        with self.page.expect_navigation():
            target.focus()
            self.page.keyboard.press("Enter")

    def sees(self, heading: str) -> None:
        """Check that this is the page; then look whether anything shuts a reader out of it."""
        assert self.page.locator("h1").inner_text() == heading
        assert self.page.locator("html").get_attribute("lang") == self.locale
        assert self.faults() == []

    def faults(self) -> list[str]:
        """What is wrong with the page, in both colour schemes and at both ends of the widths."""
        found: set[str] = set(self.complaints)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in _WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 800})
                found |= self._sideways(width)
                if self.script:
                    self.page.evaluate(self.axe)
                    found |= {f"{scheme} {width}: {fault}" for fault in self.page.evaluate(_RUN)}
        self.page.set_viewport_size({"width": self.width, "height": 800})
        return sorted(found)

    def _sideways(self, width: int) -> set[str]:
        wide = self.page.locator("html").evaluate("page => page.scrollWidth")
        return {f"scrolls sideways at {width}: {wide}"} if wide > width else set()

    def cookies(self) -> list[Any]:
        """What was left in the browser."""
        return list(self.context.cookies())

    def close(self) -> None:
        """Leave."""
        self.context.close()


def until(question: Callable[[], Any]) -> Any:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + _PATIENCE
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return answer


def link_in(text: str, path: str) -> str:
    """The link of a mail's plain text that begins with a path."""
    found = re.search(rf"https?://\S+/{path}/[A-Za-z0-9_-]+", text)
    assert found, f"no link to {path}"
    return found[0]
