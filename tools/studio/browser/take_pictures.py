"""Pictures of each page, wide and at phone width, light and dark, to look at.

  tools/bazelw run //tools/studio/browser:take_pictures -- FOLDER [RUNS]

RUNS is a folder of training runs; without it the page of runs has none. Of each
page PAGE.webp is what a wide window shows, for the README.
"""

import os
import pathlib
import sys

from selenium.webdriver.common.action_chains import ActionChains

from tools.studio.browser import browser
from tools.studio.testing import studio_process

SIZES = {"1280": browser.WIDE, "390": browser.PHONE}
DONE = '#page-animate section[aria-label="Result"] video'
JOB_SECONDS = 300
MOVE_MILLISECONDS = 16
MOVES = 40
END_TRANSITIONS = """
for (const animation of document.getAnimations()) {
  if (animation instanceof CSSTransition) animation.finish();
}
"""


def animate(window):
    for panel in ("source", "driving"):
        window.choose(panel, ".chips label")
    window.shown('#page-animate input[placeholder="all"]').send_keys("24")
    window.press("#page-animate .form-foot button")
    window.shown(DONE, JOB_SECONDS)


def find_keypoints(window):
    window.press("#page-motion button[type=submit]")
    window.shown(
        '#page-motion section[aria-label="Keypoints"] canvas', JOB_SECONDS
    )


def drag_points(window):
    """Two of them, so that all three models show what they do."""
    points = window.driver.find_elements("css selector", "#page-warp .warp-point")
    for point, move in zip(points, ((1, -1), (-1, 1))):
        hand = ActionChains(window.driver, duration=MOVE_MILLISECONDS)
        hand.click_and_hold(point)
        for _ in range(MOVES):
            hand.move_by_offset(*move)
        hand.release().perform()
    window.run("document.activeElement.blur()")


def show_run(window):
    if window.find(".run-item"):
        window.shown("#page-runs .chart")


PREPARE = {
    "animate": animate,
    "motion": find_keypoints,
    "runs": show_run,
    "warp": drag_points,
}


def take(window, folder, page):
    window.press(f'.tabs a[href="#{page}"]')
    window.shown(f"#page-{page}")
    window.gone(".skeleton")
    PREPARE.get(page, lambda _: None)(window)
    for name, size in SIZES.items():
        for dark in (False, True):
            window.resize(size, dark)
            window.run("window.scrollTo(0, 0)")
            # Colours that are still on their way.
            window.run(END_TRANSITIONS)
            tone = "dark" if dark else "light"
            window.picture(folder / f"{page}_{name}_{tone}.png", whole=True)
    window.resize(browser.WIDE)
    window.run(END_TRANSITIONS)
    window.picture(folder / f"{page}.webp")


def main():
    # Where the command was given, not where Bazel runs it.
    here = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    folder = here / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    runs = str(here / sys.argv[2]) if len(sys.argv) > 2 else None
    studio = studio_process.Studio(runs=runs)
    window = browser.Browser()
    try:
        window.open(studio.address)
        for page in ("animate", "warp", "runs", "motion"):
            take(window, folder, page)
    finally:
        window.close()
        studio.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main()
