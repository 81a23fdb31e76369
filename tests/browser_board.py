"""A board that serves, a browser, and visits that note what the page asks for and complains of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acuerdo.board.commands import listen, serve

CHROMIUM = Path("/usr/bin/chromium")
SLIDER = "#lever-asylum_decisions"


def address_of(app: Any) -> str:
    """Serve an application until the tests end; return where."""
    listening, started = listen("127.0.0.1", 0), threading.Event()
    threading.Thread(target=serve, args=(app, listening, started.set), daemon=True).start()
    assert started.wait(20)
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


@contextmanager
def chromium(playwright: Any) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


class Visit:
    """A page with the board, which notes every request that goes elsewhere and every complaint."""

    def __init__(self, browser: Any, address: str, fragment: str = "", **options: Any) -> None:
        options = {"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options}
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        self.elsewhere: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.note(request.url, address))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda problem: self.problems.append(str(problem)))
        self.page.goto(f"{address}#{fragment}")
        self.page.wait_for_selector("body[data-drawn]")

    def note(self, url: str, address: str) -> None:
        if not url.startswith((address, "blob:")):
            self.elsewhere.append(url)

    @property
    def drawn(self) -> str:
        """The hash of the scenario that is on the page."""
        return str(self.page.get_attribute("body", "data-drawn"))

    def redrawn(self, before: str) -> str:
        """Wait until another scenario is on the page."""
        self.page.wait_for_selector(f"body:not([data-drawn='{before}'])")
        return self.drawn

    def set(self, value: float, name: str = "#lever-asylum_decisions") -> str:
        before = self.drawn
        self.page.locator(name).fill(str(value))
        return self.redrawn(before)

    def text(self, where: str) -> str:
        return str(self.page.locator(where).first.inner_text())


@contextmanager
def visits(browser: Any, address: str) -> Iterator[Any]:
    """Give what opens pages; at the end none of them may have gone elsewhere or complained."""
    made: list[Visit] = []

    def open_page(fragment: str = "", **options: Any) -> Visit:
        made.append(Visit(browser, address, fragment, **options))
        return made[-1]

    yield open_page
    for one in made:
        one.context.close()
        assert one.elsewhere == []
        assert one.problems == []
