"""Debian's Chromium, without a window, as the tests and pictures drive it."""

import base64
import os
import pathlib
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

WIDE = (1280, 900)
PHONE = (390, 844)
WAIT_SECONDS = 60
WEBP_QUALITY = 80
POLL_SECONDS = 0.05
# The first element of a selector that can be seen. Selenium's is_displayed()
# takes a request for each element and much of the processor's time.
FIRST_SHOWN = """
const isShown = (element) =>
  element.checkVisibility({opacityProperty: true, visibilityProperty: true}) &&
  [...element.getClientRects()].some(({width, height}) => width || height);
return [...document.querySelectorAll(arguments[0])].find(isShown) ?? null;
"""
# Waits of the page of a second or more take a tenth of it.
SHORT_WAITS = """
const wait = window.setTimeout;
window.setTimeout = (run, ms, ...rest) => wait(run, ms >= 1000 ? ms / 10 : ms, ...rest);
"""


class Browser:
    """One browser window, with a profile and a download folder of its own."""

    def __init__(self, size=WIDE, dark=False):
        self.downloads = pathlib.Path(tempfile.mkdtemp(prefix="downloads_"))
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            # A camera that shows a test picture, and no question about it.
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ):
            options.add_argument(argument)
        if os.geteuid() == 0:  # Chromium refuses root otherwise
            options.add_argument("--no-sandbox")
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            service=Service("/usr/bin/chromedriver"), options=options
        )
        self.resize(size, dark)

    def close(self):
        self.driver.quit()

    def resize(self, size, dark=False):
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": size == PHONE,
            },
        )
        scheme = "dark" if dark else "light"
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )

    def shorten_waits(self):
        """For what is opened from now on."""
        self.driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": SHORT_WAITS}
        )

    def open(self, address):
        """Opens it anew, also where only its hash differs."""
        self.driver.get("about:blank")
        self.driver.get(address)

    def forget(self, address):
        """What the pages of this server keep in the browser.

        address: of a file of the server that is not the page.
        """
        self.driver.get(address)
        self.run("sessionStorage.clear(); localStorage.clear()")
        self.complaints()

    # ------------------------------------------------------------- elements

    def find(self, css):
        """The first element that is shown, or None."""
        return self.run(FIRST_SHOWN, css)

    def wait(self, condition, what, seconds=WAIT_SECONDS):
        """What condition() gives, once that is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                value = condition()
            except (NoSuchElementException, StaleElementReferenceException):
                value = None
            if value:
                return value
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.words()}")

    def shown(self, css, seconds=WAIT_SECONDS):
        return self.wait(lambda: self.find(css), f"{css} is shown", seconds)

    def gone(self, css, seconds=WAIT_SECONDS):
        self.wait(lambda: not self.find(css), f"{css} is gone", seconds)

    def text(self, css):
        return self.shown(css).text

    def words(self):
        """All text of the page, for messages."""
        return self.run("return document.body.innerText")

    def press(self, element):
        """Clicks it, in the middle of the window, away from what sticks.

        element: a selector, or what one of the functions here gives.
        """
        if isinstance(element, str):
            # The page may put another in its place before it is clicked.
            self.wait(
                lambda: self.click(self.find(element)),
                f"{element} can be pressed",
            )
        else:
            self.click(element)

    def click(self, element):
        """Whether there was an element to click."""
        if element is None:
            return False
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        return True

    def choose(self, value, css="label"):
        """Clicks the label around an input of this value."""
        self.press(f'{css}:has(input[value="{value}"])')

    def choose_option(self, css, text):
        Select(self.shown(css)).select_by_visible_text(text)

    def section(self, title):
        """The first section with this heading."""
        return self.driver.find_element(
            By.XPATH, f"//section[.//h3[text()='{title}']]"
        )

    def send_file(self, title, path):
        """Gives a file to the input whose section has this heading."""
        self.section(title).find_element(
            By.CSS_SELECTOR, "input[type=file]"
        ).send_keys(str(pathlib.Path(path).resolve()))

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    # ---------------------------------------------------------------- other

    def downloaded(self, ending):
        """The bytes of the download of this ending, once it is complete.

        Press one download at a time: before it saves the second of two,
        Chromium asks whether the page may save several files.
        """

        def complete():
            return list(self.downloads.glob(f"*{ending}"))

        return self.wait(complete, f"{ending} is downloaded")[0].read_bytes()

    def picture(self, path, whole=False):
        """Saves what is shown, or the whole page, as .png or .webp."""
        wanted = {"format": pathlib.Path(path).suffix[1:]}
        if wanted["format"] == "webp":
            wanted["quality"] = WEBP_QUALITY
        data = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {**wanted, "captureBeyondViewport": whole},
        )["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def complaints(self):
        """Errors on the console since the last call: faults of scripts,

        refusals of the policy, missing files. Not the icon that the browser
        asks for where a file is opened that is not the page.
        """
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
            and "/favicon.ico " not in entry["message"]
        ]
