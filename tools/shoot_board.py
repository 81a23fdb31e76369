"""Make the screenshots of the board for the docs: both languages at 1440 px, and Spanish at 360 px.

    python tools/shoot_board.py [--address http://127.0.0.1:8765/] [--out docs]

Without an address it starts a board of its own (as of 2024-12, 200 draws).
"""

from __future__ import annotations

import argparse
import threading
from datetime import date
from pathlib import Path

SCENARIO = "v=1&m=12&lang={lang}&f=surge_venezuela&s=asylum_decisions=9000&s=refugee_places=6000&s=support_coverage=0.6"
SHOTS = {
    "board.en.png": ("en", 1440, 960),
    "board.es.png": ("es", 1440, 960),
    "board.360.png": ("es", 360, 760),
}


def own_board() -> str:
    """Start a board that can show other days too, and return its address."""
    from acuerdo.board.api import MOST_MONTHS
    from acuerdo.board.commands import listen, serve
    from acuerdo.board.server import make_app
    from acuerdo.figures.store import Figures
    from acuerdo.projection import Projector, make_projector

    def made(day: date | str | None) -> Projector:
        return make_projector(day, MOST_MONTHS, 200, 1, share=False)

    app = make_app(lambda: made("2024-12"), Figures.open(), other_day=made)
    listening, started = listen("127.0.0.1", 0), threading.Event()
    threading.Thread(target=serve, args=(app, listening, started.set), daemon=True).start()
    started.wait(30)
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


def main() -> None:
    """Open the board and write the pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--address")
    options.add_argument("--out", type=Path, default=Path("docs"))
    options.add_argument("--chromium", default="/usr/bin/chromium")
    given = options.parse_args()
    from playwright.sync_api import sync_playwright

    address = given.address or own_board()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (lang, width, height) in SHOTS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{address}#{SCENARIO.format(lang=lang)}")
            page.wait_for_selector(f"html[lang^={lang}] body[data-drawn]")
            page.wait_for_selector("#day")  # once the server has told the days
            page.wait_for_timeout(500)  # bars grow
            page.screenshot(path=given.out / name)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
