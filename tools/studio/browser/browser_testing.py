"""What the tests of the page share: a studio, a browser, and the check that

the console has nothing to complain about.
"""

import os
import pathlib
import unittest

from tools.studio.browser import browser
from tools.studio.testing import studio_process

PUPPET = pathlib.Path("pipelines/pretrained/puppet.png")
DANCE = pathlib.Path("pipelines/pretrained/dance.mp4")


class BrowserTest(unittest.TestCase):
    # A folder of training runs, or None for one without any.
    runs = None

    @classmethod
    def setUpClass(cls):
        cls.studio = studio_process.Studio(runs=cls.runs)
        cls.addClassCleanup(cls.studio.close)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        # Parts of messages on the console that the test brings about.
        self.expected_complaints = ()
        self.studio.clear()
        self.browser.resize(browser.WIDE)
        self.browser.forget(f"{self.studio.page}logo.svg")
        self.browser.open(self.studio.address)
        self.browser.shown(".form-foot button")

    def tearDown(self):
        outcome = self._outcome.result
        if any(test is self for test, _ in outcome.failures + outcome.errors):
            self.keep_picture()
        unexpected = [
            text
            for text in self.browser.complaints()
            if not any(part in text for part in self.expected_complaints)
        ]
        self.assertEqual(unexpected, [])

    def keep_picture(self):
        folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR", ".")
        name = self.id().rsplit(".", 1)[-1]
        self.browser.picture(os.path.join(folder, f"{name}.png"), whole=True)

    def visit(self, page):
        """Goes to a page by its tab."""
        self.browser.press(f'.tabs a[href="#{page}"]')
        return self.browser.shown(f"#page-{page}")
