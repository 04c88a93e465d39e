"""How soon a measurement follows a point that is dragged on the review page, in a real Chromium.

    python benchmarks/review.py [--moves 80]

The clock begins with the pointer's movement in the page and ends with the frame that shows the new numbers.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from tests.review.runs import spine_run
from tests.review.test_browser import CHROMIUM, Sight, ends, scenes

WATCH = """() => {
  window.waited = [];
  let moved = 0;
  document.addEventListener("pointermove", (event) => {
    if (event.buttons & 1 && !moved) moved = performance.now();
  }, true);
  new MutationObserver(() => {
    if (!moved) return;
    const since = moved;
    moved = 0;
    requestAnimationFrame(() => window.waited.push(performance.now() - since));
  }).observe(document.querySelector("#panel"), {subtree: true, childList: true, characterData: true});
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=80)
    moves = parser.parse_args().moves
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        sight = Sight(browser, spine_run(Path(folder)))
        scene = scenes(sight.run)["film-2.png"]
        start = sight.place(scene, np.asarray(scene.point(f"{ends(scene)[0]}.TL")))
        sight.page.evaluate(WATCH)
        mouse = sight.page.mouse
        mouse.move(*start)
        mouse.down()
        for step in range(moves):
            mouse.move(start[0] + step % 7, start[1] + step % 11)
            sight.page.wait_for_timeout(60)
        waited = np.array(sight.page.evaluate("window.waited"))
        mouse.up()
        sight.saved(1)
        sight.close()
        browser.close()
    print(
        f"from the movement to the numbers: median {np.median(waited):.0f} ms, 95 of 100 below "
        f"{np.percentile(waited, 95):.0f} ms ({len(waited)} of {moves} movements)"
    )


if __name__ == "__main__":
    main()
