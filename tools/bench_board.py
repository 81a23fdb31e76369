"""From a slider event to redrawn charts in Chromium: p50 and p95, one scenario never like another.

    python tools/bench_board.py [--moves 60] [--address http://127.0.0.1:8765/]

Without an address it starts a board of its own (as of 2024-12). Times are of this machine and its load.
"""

from __future__ import annotations

import argparse
import os
import threading

MOVE = """([name, value]) => new Promise((done) => {
  const slider = document.getElementById(`lever-${name}`);
  const start = performance.now();
  window.addEventListener('drawn', () => {
    const script = performance.now() - start;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();  // its message comes after the frame has been painted
      channel.port1.onmessage = () => done([script, performance.now() - start]);
      channel.port2.postMessage(0);
    });
  }, { once: true });
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
})"""
LEVERS = {"asylum_decisions": (0, 20000), "support_coverage": (0, 100), "removal_flights": (0, 40000)}


def own_board() -> str:
    """Start a board and return its address."""
    from acuerdo.board.api import MOST_MONTHS
    from acuerdo.board.commands import listen, serve
    from acuerdo.board.server import make_app
    from acuerdo.figures.store import Figures
    from acuerdo.projection import make_projector

    app = make_app(lambda: make_projector("2024-12", MOST_MONTHS, 200, 1, share=False), Figures.open())
    listening, started = listen("127.0.0.1", 0), threading.Event()
    threading.Thread(target=serve, args=(app, listening, started.set), daemon=True).start()
    started.wait(30)
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


def main() -> None:
    """Move sliders and print what it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--moves", type=int, default=60)
    options.add_argument("--address")
    options.add_argument("--chromium", default="/usr/bin/chromium")
    given = options.parse_args()
    from playwright.sync_api import sync_playwright

    address = given.address or own_board()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.wait_for_selector("body[data-drawn]")
        names = list(LEVERS)
        found = []
        for i in range(given.moves + 5):
            name = names[i % len(names)]
            low, high = LEVERS[name]
            value = low + (high - low) * ((i * 0.6180339887) % 1)
            found.append(page.evaluate(MOVE, [name, round(value, 2)]))
        browser.close()
    for label, column in (("to redrawn elements", 0), ("to the painted frame", 1)):
        times = sorted(row[column] for row in found[5:])
        p50, p95 = (times[min(int(share * len(times)), len(times) - 1)] for share in (0.5, 0.95))
        print(f"slider {label}: median {p50:.0f} ms, p95 {p95:.0f} ms ({len(times)} moves)")
    print(f"load of this machine in the last minute: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
