"""The page Runs: training runs as they grow, and their own pages."""

import os
import pathlib
import shutil
import tempfile
import time
import unittest

from tools.studio.browser import browser_testing
from tools.studio.browser.browser_testing import PUPPET, picture

# A report that would like to run scripts.
REPORT = """<!DOCTYPE html><title>Run</title>
<style>h1 { color: rgb(1, 2, 3); }</style>
<h1>The report</h1><img src="pictures/epoch-00001.png" alt="strip">
<script>document.querySelector('h1').textContent = 'scripted';</script>
"""
# Answers about a run break off behind their header until mend().
CUT = """
const real = window.fetch;
window.mend = () => { window.fetch = real; };
window.fetch = (path, options) => {
  if (!path.includes('?since=')) return real(path, options);
  const error = new TypeError('network error');
  return Promise.resolve(new Response(new ReadableStream({start: (to) => to.error(error)})));
};
"""
# The list of runs cannot be read the next time.
REFUSE_LIST_ONCE = """
const real = window.fetch;
window.fetch = (path, options) => {
  if (!path.endsWith('/runs')) return real(path, options);
  window.fetch = real;
  return Promise.resolve(new Response('{"error":{"message":"it is a file"}}', {status: 409}));
};
"""
# Counts answers about the run, and what is said below its charts.
COUNT_SAID = """
const real = window.fetch;
window.polls = window.said = 0;
window.fetch = (path, options) => {
  if (path.includes('?since=')) window.polls += 1;
  return real(path, options);
};
const observer = new MutationObserver((changes) => { window.said += changes.length; });
for (const said of document.querySelectorAll('.chart-readout')) observer.observe(said, {childList: true});
"""


def losses(steps):
    rows = [f"{step},{4 / step:.4f},{1 / step:.4f}" for step in steps]
    return "".join(f"{row}\n" for row in rows)


class RunsTest(browser_testing.BrowserTest):
    @classmethod
    def setUpClass(cls):
        cls.runs = tempfile.mkdtemp(prefix="runs_")
        cls.addClassCleanup(shutil.rmtree, cls.runs)
        cls.run_folder = pathlib.Path(cls.runs) / "mine"
        (cls.run_folder / "pictures").mkdir(parents=True)
        (cls.run_folder / "config.textproto").write_text(
            "training {\n  max_steps: 400\n}\n"
        )
        cls.table = cls.run_folder / "losses.csv"
        cls.table.write_text("step,total,perceptual\n" + losses(range(1, 101)))
        shutil.copy(PUPPET, cls.run_folder / "pictures" / "epoch-00001.png")
        (cls.run_folder / "index.html").write_text(REPORT)
        super().setUpClass()
        # The page reads a run every 2 seconds while it is running, and every 15
        # otherwise.
        cls.browser.shorten_waits()

    def setUp(self):
        super().setUp()
        self.visit("runs")
        self.choose_run("mine")

    def choose_run(self, name):
        self.browser.press(f'#page-runs .run-item:has([title="{name}"])')
        self.wait_for_run(name)

    def wait_for_run(self, name):
        self.browser.wait(
            lambda: self.browser.text(
                '#page-runs section[aria-label="Run"] h2'
            )
            == name,
            "the run is shown",
        )

    def train(self):
        """The run is running, so that the page reads it more often."""
        lock = self.run_folder / "lock"
        self.addCleanup(lock.unlink)
        lock.write_text("process 5 on some-other-machine\n\n")
        os.utime(self.table)
        self.browser.driver.refresh()
        self.wait_for_run("mine")

    def strip_width(self):
        return self.browser.run(
            "return arguments[0].naturalWidth",
            self.browser.shown("#page-runs .run-strip"),
        )

    def test_shows_state_curves_and_pictures(self):
        self.browser.wait(
            lambda: "400" in self.browser.text('section[aria-label="Run"]'),
            "the steps are shown",
        )
        curve = self.browser.shown("#page-runs svg.chart path")
        self.assertTrue(curve.get_attribute("d"))
        self.browser.wait(
            lambda: self.strip_width() > 0, "the picture is there"
        )

    def test_says_why_there_is_no_list(self):
        self.browser.open(self.studio.address)
        self.browser.run(REFUSE_LIST_ONCE)
        self.visit("runs")
        self.browser.wait(
            lambda: "Nothing to show" in self.browser.words(),
            "the page is shown",
        )
        notice = "#page-runs .notice.error"
        self.assertIn("It is a file", self.browser.text(notice))
        self.browser.press(f"{notice} button")
        self.choose_run("mine")

    def test_goes_on_after_an_answer_that_was_cut(self):
        self.train()
        self.browser.run(CUT)
        notice = "#page-runs .notice.error"
        self.browser.wait(
            lambda: "does not answer" in self.browser.text(notice),
            "the page says that there was no answer",
        )
        self.browser.run("mend()")
        self.browser.gone(notice)

    def test_shows_a_run_whose_folder_comes_back(self):
        self.expected_complaints = ("/runs/",)
        away = pathlib.Path(tempfile.mkdtemp(prefix="away_")) / "mine"
        self.addCleanup(shutil.rmtree, away.parent)
        self.addCleanup(
            lambda: away.exists() and away.rename(self.run_folder)
        )
        self.run_folder.rename(away)
        self.browser.wait(
            lambda: "This run is not there" in self.browser.words(),
            "the page says that it is gone",
        )
        away.rename(self.run_folder)
        self.wait_for_run("mine")

    def test_says_nothing_while_nothing_changes(self):
        self.train()
        self.browser.run(COUNT_SAID)
        # When the third is asked for, two were drawn.
        self.browser.wait(
            lambda: self.browser.run("return polls > 2"), "it is read again"
        )
        self.assertEqual(self.browser.run("return said"), 0)

    def test_shows_the_pictures_of_a_run_that_was_trained_anew(self):
        other = pathlib.Path(self.runs) / "other"
        other.mkdir()
        self.addCleanup(shutil.rmtree, other)
        (other / "losses.csv").write_text("step,total\n1,2\n")
        self.browser.open(self.studio.address)
        self.visit("runs")
        self.choose_run("mine")
        self.browser.wait(
            lambda: self.strip_width() == 256, "the first picture is there"
        )
        strip = self.run_folder / "pictures" / "epoch-00001.png"
        self.addCleanup(shutil.copy, PUPPET, strip)
        strip.write_bytes(picture(40, 20))
        # Times have whole seconds.
        later = time.time() + 60
        self.addCleanup(os.utime, self.table)
        os.utime(self.table, (later, later))
        self.choose_run("other")
        self.choose_run("mine")
        self.browser.wait(
            lambda: self.strip_width() == 40, "the new picture is there"
        )

    def test_shows_the_first_picture_of_a_run_that_had_more(self):
        pictures = self.run_folder / "pictures"
        first = pictures / "epoch-00001.png"
        self.addCleanup(shutil.copy, PUPPET, first)
        second = pathlib.Path(shutil.copy(first, pictures / "epoch-00002.png"))
        self.train()
        self.browser.wait(
            lambda: self.strip_width() == 256, "a picture is there"
        )
        first.unlink()
        second.unlink()
        self.browser.gone("#page-runs .run-strip")
        new = self.run_folder / "new.png"
        new.write_bytes(picture(40, 20))
        new.rename(first)  # at once, as the page reads it all the time
        self.browser.wait(
            lambda: self.strip_width() == 40, "the new picture is there"
        )

    def test_keeps_the_picture_whose_place_changes(self):
        pictures = self.run_folder / "pictures"
        first = pictures / "epoch-00001.png"
        for number in (2, 3):
            path = shutil.copy(first, pictures / f"epoch-0000{number}.png")
            self.addCleanup(os.unlink, path)
        self.train()
        self.browser.shown("#page-runs .run-strip")
        self.browser.run(
            "const slider = document.querySelector('.run-strip-bar input');"
            "slider.value = 2; slider.dispatchEvent(new Event('input'));"
        )
        self.addCleanup(shutil.copy, PUPPET, first)
        os.rename(first, pictures / "epoch-00004.png")
        self.addCleanup(os.unlink, pictures / "epoch-00004.png")
        self.browser.wait(
            lambda: self.browser.text("#page-runs .run-strip-bar output")
            == "1 of 3",
            "the place has changed",
        )
        self.assertEqual(
            self.browser.shown("#page-runs .run-strip").get_attribute("alt"),
            "Epoch 2",
        )

    def test_grows_with_the_run(self):
        self.browser.shown("#page-runs svg.chart path")
        with open(self.table, "a", encoding="utf-8") as table:
            table.write(losses(range(101, 223)))
        self.browser.wait(
            lambda: "222" in self.browser.text('section[aria-label="Run"]'),
            "the new steps are shown",
        )

    def test_shows_numbers_that_no_run_of_ours_has(self):
        folder = pathlib.Path(self.runs) / "foreign"
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder)
        # On a logarithmic chart and a linear one: at the ends of the range of
        # numbers, and where adding 1 to a step changes nothing.
        steps = [2**53 - 2, 2**53 - 1, 2**53, 9200000000000000000]
        rows = [f"{step},1e308,{10**17 + 16 * (step % 3)}" for step in steps]
        (folder / "losses.csv").write_text(
            "step,total,fit_residual\n" + "\n".join(rows) + "\n"
        )
        self.browser.open(self.studio.address)
        self.visit("runs")
        self.browser.press('#page-runs .run-item:has([title="foreign"])')
        self.browser.wait(
            lambda: str(2**53) in self.browser.text('section[aria-label="Run"]'),
            "the last step that counts is shown",
        )
        for title in ("Losses", "Fit residual"):
            chart = f'#page-runs section[aria-label="{title}"] svg.chart'
            self.browser.shown(f"{chart} path.chart-line")
            self.assertNotIn(
                "NaN", self.browser.shown(chart).get_attribute("innerHTML")
            )

    def test_offers_the_report_as_soon_as_it_is_there(self):
        report = self.run_folder / "index.html"
        self.addCleanup(report.write_text, REPORT)
        report.unlink()
        self.browser.open(self.studio.address)
        self.visit("runs")
        more = '#page-runs section[aria-label="Page and settings"]'
        self.browser.press(f"{more} summary")
        self.assertNotIn("Page of the run", self.browser.text(more))
        report.write_text(REPORT)
        self.browser.wait(
            lambda: "Page of the run" in self.browser.text(more),
            "the report is offered",
        )
        # What was open stays open.
        self.assertIn("max_steps: 400", self.browser.text(more))

    def test_shows_the_newest_report_when_it_is_opened(self):
        report = self.run_folder / "index.html"
        self.addCleanup(report.write_text, REPORT)
        summary = self.browser.shown(
            '#page-runs section[aria-label="Page and settings"] summary'
        )
        for title in ("The report", "Another one"):
            report.write_text(REPORT.replace("The report", title))
            self.browser.press(summary)
            self.browser.wait(
                lambda: self.browser.run(
                    "return document.querySelector('#page-runs iframe')"
                    "?.contentDocument.querySelector('h1')?.textContent"
                )
                == title,
                f"{title} is shown",
            )
            self.browser.press(summary)  # closes it

    def test_shows_the_report_without_its_scripts(self):
        self.browser.press(
            '#page-runs section[aria-label="Page and settings"] summary'
        )
        frame = self.browser.shown("#page-runs iframe")
        self.browser.driver.switch_to.frame(frame)
        try:
            heading = self.browser.shown("h1")
            self.assertEqual(heading.text, "The report")
            self.browser.wait(
                lambda: "rgba(1, 2, 3, 1)"
                == heading.value_of_css_property("color"),
                "its style applies",
            )
            self.browser.wait(
                lambda: self.browser.run(
                    "return document.querySelector('img').naturalWidth"
                )
                > 0,
                "its picture is there",
            )
        finally:
            self.browser.driver.switch_to.default_content()


if __name__ == "__main__":
    unittest.main()
