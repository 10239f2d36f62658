"""Prints the weight of the page and the time from its load to its first use.

  tools/bazelw run //tools/studio/browser:measure_page

First use: the settings of Animate are there with the bundled still and video,
and the button can be pressed. Each load is one of a fresh browser, without
cache.
"""

import statistics

from tools.studio.browser import browser
from tools.studio.testing import studio_process

LOADS = 10
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


def main():
    studio = studio_process.Studio()
    try:
        loads = [load(studio.address) for _ in range(LOADS)]
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


if __name__ == "__main__":
    main()
