"""Prints the weight of the page, the time from its load to its first use, and

the time from the hand's move to the new picture on the page Warp.

  tools/bazelw run //tools/studio/browser:measure_page

First use: the settings of Animate are there with the bundled still and video,
and the button can be pressed. Each load is one of a fresh browser, without
cache. A drag is one of 200 moves, some 60 a second, of the first point in a
circle, with the page as it opens; the figure is the page's own.
"""

import math
import statistics
import time

from selenium.webdriver.common.action_chains import ActionChains

from tools.studio.browser import browser
from tools.studio.testing import studio_process

LOADS = 10
DRAGS = 3
MOVES = 200
MOVE_MILLISECONDS = 16
RADIUS = 40  # pixels of the page
SETTLE_SECONDS = 1  # for the last pictures
# A fresh browser works by itself for some seconds, on the cores that the server
# has, too.
START_SECONDS = 10
METER = "[data-page=warp] .meter .figure"
FILES = """
const sizes = performance.getEntriesByType('navigation')
    .concat(performance.getEntriesByType('resource'))
    .map(({name, decodedBodySize}) => [new URL(name).pathname.slice(1) || 'index.html', decodedBodySize])
    .filter(([name]) => !name.startsWith('api/'));
return Object.entries(Object.fromEntries(sizes));
"""
USABLE = "return performance.getEntriesByName('usable')[0]?.startTime"


def load(address):
    """Milliseconds to first use, and the files."""
    window = browser.Browser()
    try:
        window.open(address)
        milliseconds = window.wait(
            lambda: window.run(USABLE), "Animate can be used"
        )
        return milliseconds, window.run(FILES)
    finally:
        window.close()


def drag(address):
    """(p50, p95, count) of one drag, in milliseconds."""
    window = browser.Browser()
    try:
        window.open(address)
        window.press('.tabs a[href="#warp"]')
        time.sleep(START_SECONDS)
        hand = ActionChains(window.driver, duration=MOVE_MILLISECONDS)
        hand.click_and_hold(window.shown("#page-warp .warp-point"))
        before = (0, 0)
        for i in range(MOVES):
            turn = 2 * math.pi * 4 * i / MOVES
            now = (
                round(RADIUS * math.sin(turn)),
                round(RADIUS * (1 - math.cos(turn))),
            )
            hand.move_by_offset(now[0] - before[0], now[1] - before[1])
            before = now
        hand.release().perform()
        meter = window.shown(METER)
        window.wait(
            lambda: meter.get_attribute("data-count"), "pictures are counted"
        )
        time.sleep(SETTLE_SECONDS)
        return [
            float(meter.get_attribute(f"data-{name}"))
            for name in ("p50", "p95", "count")
        ]
    finally:
        window.close()


def main():
    studio = studio_process.Studio()
    try:
        loads = [load(studio.address) for _ in range(LOADS)]
        drags = [drag(studio.address) for _ in range(DRAGS)]
    finally:
        studio.close()
    files = loads[0][1]
    for name, size in sorted(files):
        print(f"{size:8} {name}")
    print(f"{sum(size for _, size in files):8} bytes in {len(files)} files")
    times = [milliseconds for milliseconds, _ in loads]
    print(
        f"first use after {statistics.median(times):.0f} ms"
        f" ({min(times):.0f} to {max(times):.0f}, {LOADS} loads)"
    )
    for p50, p95, count in drags:
        print(
            f"drag of {MOVES} moves: p50 {p50:.0f} ms, p95 {p95:.0f} ms"
            f" of {count:.0f} pictures"
        )


if __name__ == "__main__":
    main()
