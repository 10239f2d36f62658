"""What the tests of the page share: a studio, a browser, and the check that

the console has nothing to complain about.
"""

import os
import pathlib
import struct
import unittest
import zlib

from tools.studio.browser import browser
from tools.studio.testing import studio_process

PUPPET = pathlib.Path("pipelines/pretrained/puppet.png")
DANCE = pathlib.Path("pipelines/pretrained/dance.mp4")

# A still stays on its way to the server, as window.heldStill, until letGo().
HOLD_STILLS = """
const {open, send} = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, path) {
  this.isHeld = path.endsWith('kind=image');
  open.call(this, method, path);
};
XMLHttpRequest.prototype.send = function (body) {
  this.letGo = () => send.call(this, body);
  if (this.isHeld) window.heldStill = this;
  else this.letGo();
};
"""


def picture(width, height):
    """A grey picture of this size as PNG."""
    rows = (b"\0" + b"\x80" * width) * height

    def chunk(name, data):
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", check
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


class BrowserTest(unittest.TestCase):
    # A folder of training runs, or None for one without any.
    runs = None
    # Ids of jobs that all tests of a class share.
    kept_jobs = ()

    @classmethod
    def setUpClass(cls):
        cls.studio = studio_process.Studio(runs=cls.runs)
        cls.addClassCleanup(cls.studio.close)
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        # Parts of messages on the console that the test brings about.
        self.expected_complaints = ()
        self.studio.clear(self.kept_jobs)
        self.browser.resize(browser.WIDE)
        self.browser.forget(f"{self.studio.page}logo.svg")
        # forget() was at another file, so that this loads the page.
        self.browser.driver.get(self.studio.address)
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
