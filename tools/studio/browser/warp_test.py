"""The page Warp: the picture follows the points that a hand moves."""

import json
import re
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tools.studio.browser import browser_testing

CANVAS = "#page-warp .is-main canvas"
POINT = "#page-warp .warp-point"
# What the slider of this name shows.
SHOWN_BY = """
return [...document.querySelectorAll('#page-warp .field')]
  .find((field) => field.firstChild.textContent === arguments[0])
  .querySelector('output').value;
"""
# A number for the pixels that are shown.
PIXELS = """
const {width, height} = arguments[0];
const data = arguments[0].getContext('2d').getImageData(0, 0, width, height).data;
let sum = 0, seen = 0;
for (let i = 0; i < data.length; ++i) { sum = (sum * 31 + data[i]) % 1000003; seen |= data[i]; }
return seen && sum;
"""


class WarpTest(browser_testing.BrowserTest):
    def setUp(self):
        super().setUp()
        self.visit("warp")
        self.canvas = self.browser.shown(CANVAS)
        self.browser.wait(self.pixels, "the picture is shown")
        self.browser.shown(POINT)

    def pixels(self):
        return self.browser.run(PIXELS, self.canvas)

    def changes(self, before, what):
        self.browser.wait(lambda: self.pixels() not in (0, before), what)

    def steady(self):
        """The pixels once no answer is under way."""
        before = self.pixels()

        def same():
            nonlocal before
            now = self.pixels()
            same, before = now == before, now
            return same and now

        return self.browser.wait(same, "the picture is steady")

    def test_follows_a_dragged_point(self):
        before = self.steady()
        point = self.browser.shown(POINT)
        ActionChains(self.browser.driver).drag_and_drop_by_offset(
            point, 40, 24
        ).perform()
        self.changes(before, "the picture follows the hand")

    def test_follows_the_arrow_keys_and_goes_back(self):
        before = self.steady()
        point = self.browser.shown(POINT)
        point.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
        self.changes(before, "the picture follows the keys")
        moved = self.steady()
        self.browser.shown(POINT).send_keys(Keys.ESCAPE)
        self.changes(moved, "the picture goes back")

    def moves(self):
        """Ends of the lines of moved points, in pixels."""
        line = self.browser.shown("#page-warp .is-main .warp-moves")
        return [
            float(number)
            for number in re.findall(r"[\d.]+", line.get_attribute("d"))
        ]

    def test_draws_moves_anew_at_another_size(self):
        self.browser.shown(POINT).send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
        before = self.moves()
        self.browser.choose_option("#page-warp select", "128 pixels")
        self.browser.wait(
            lambda: self.canvas.get_attribute("width") == "128", "it is smaller"
        )
        after = self.moves()
        self.assertEqual(len(after), 4)
        for now, was in zip(after, before):
            # Both are rounded to 0.01.
            self.assertAlmostEqual(now, was * 127 / 255, delta=0.01)

    def test_shows_other_views(self):
        before = self.steady()
        self.browser.choose("det", "#page-warp .segmented label")
        self.changes(before, "areas are shown")

    def count(self):
        return len(self.browser.driver.find_elements("css selector", POINT))

    def test_adds_and_removes_points(self):
        before = self.count()
        layer = self.browser.shown("#page-warp .warp-points")
        ActionChains(self.browser.driver).move_to_element_with_offset(
            layer, 31, 57
        ).click().perform()
        self.browser.wait(lambda: self.count() == before + 1, "a point is added")
        self.browser.driver.switch_to.active_element.send_keys(Keys.DELETE)
        self.browser.wait(lambda: self.count() == before, "the point is removed")
        self.browser.shown(POINT).send_keys(Keys.DELETE)
        for _ in range(before - 1):
            self.browser.driver.switch_to.active_element.send_keys(Keys.DELETE)
        self.assertEqual(self.count(), 0)
        self.assertTrue(
            self.browser.run(
                "return document.activeElement.matches('.warp-points')"
            )
        )

    def test_saves_points_and_picture(self):
        save = '//section[@aria-label="Points and theta"]//button[text()="%s"]'

        def press(name):
            self.browser.press(
                self.browser.driver.find_element("xpath", save % name)
            )

        press("Save points")
        saved = json.loads(self.browser.downloaded(".json"))
        self.assertIn("points", saved)
        self.assertIn("theta", saved)
        press("Save PNG")
        self.assertEqual(self.browser.downloaded(".png")[1:4], b"PNG")

    def load(self, name, saved):
        path = self.browser.downloads / name
        # The downloads are those of other tests, too.
        self.addCleanup(path.unlink)
        path.write_text(json.dumps(saved))
        self.browser.driver.find_element(
            "css selector", '#page-warp [aria-label="Saved points"]'
        ).send_keys(str(path))

    def test_says_which_points_do_not_arrive(self):
        ends = ([0.4, 0.4], [0.8, 0.4])
        points = [{"from": a, "to": b} for a, b in (ends, ends[::-1])]
        saved = {"format": "cpab-warp", "version": 1, "points": points}
        self.load("swap.json", saved)
        words = "Points 1, 2 do not arrive: give more cells"
        self.browser.wait(
            lambda: words in self.browser.text("#page-warp .warp-below"),
            "it says which points do not arrive",
        )

    def test_loads_saved_points_and_no_others(self):
        points = [{"from": [0.5, 0.5], "to": [0.6, 0.5]}]
        saved = {"format": "cpab-warp", "version": 1, "points": points}
        self.expected_complaints = ("/warp",)
        self.load("large.json", {**saved, "size": 2048})
        self.assertIn(
            "is 2048; use an integer from 32 to 1024",
            self.browser.text("#page-warp .notice.error"),
        )
        self.assertGreater(self.count(), 1)
        self.load("good.json", {**saved, "size": 128})
        self.browser.wait(lambda: self.count() == 1, "the point is loaded")

    def test_shows_settings_that_only_a_file_can_have(self):
        saved = {"format": "cpab-warp", "version": 1, "points": []}
        self.load("wide.json", {**saved, "size": 1024, "tension": 500})
        self.browser.wait(
            lambda: self.browser.shown("#page-warp select").get_attribute(
                "value"
            )
            == "1024",
            "the size is shown",
        )
        self.assertEqual(self.browser.run(SHOWN_BY, "Tension"), "500")


if __name__ == "__main__":
    unittest.main()
