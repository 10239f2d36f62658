"""What all pages share: the token, the tabs, widths, names of controls."""

import unittest

from tools.studio.browser import browser, browser_testing
from tools.studio.browser.browser_testing import DANCE

PAGES = ("animate", "warp", "runs", "motion")
# What a reader of the screen has to be able to call by its name.
NAMED_ROLES = {
    "button", "checkbox", "combobox", "image", "link", "radio", "slider",
    "spinbutton", "switch", "textbox",
}
# https://web.dev/articles/cls: what people do not notice.
UNNOTICED_SHIFT = 0.1
# The next request for checkpoints fails.
FAIL_ONCE = """
const real = window.fetch;
window.fetch = (path, options) => {
  if (!path.endsWith('/checkpoints')) return real(path, options);
  window.fetch = real;
  return Promise.resolve(new Response('{}', {status: 500}));
};
"""


class ShellTest(browser_testing.BrowserTest):
    def test_takes_the_token_out_of_the_address(self):
        self.assertEqual(self.browser.driver.current_url, self.studio.page)
        self.browser.driver.refresh()
        self.browser.shown(".form-foot button")

    def test_asks_for_the_token_where_there_is_none(self):
        self.expected_complaints = ("401",)
        self.browser.resize(browser.PHONE)
        self.browser.forget(f"{self.studio.page}logo.svg")
        self.browser.open(self.studio.page)
        self.browser.wait(
            lambda: "needs its token" in self.browser.words(), "it asks"
        )
        self.browser.open(f"{self.studio.page}#{'x' * 24}")
        self.browser.wait(
            lambda: "not valid" in self.browser.words(), "the token is refused"
        )
        self.browser.driver.refresh()
        self.browser.wait(
            lambda: "needs its token" in self.browser.words(), "it is forgotten"
        )
        self.browser.shown("input").send_keys(
            f"{self.studio.page}#animate/{'x' * 22}"
        )
        self.browser.press("main button")
        self.browser.shown(".field-error")
        self.browser.shown("input").clear()
        self.browser.shown("input").send_keys(f"{self.studio.address}\u201d.")
        self.browser.press("main button")
        self.browser.shown(".form-foot button")
        # In a tab that is there already, only the hash changes.
        self.browser.forget(f"{self.studio.page}logo.svg")
        self.browser.open(f"{self.studio.page}#{'x' * 24}")
        self.browser.wait(
            lambda: "not valid" in self.browser.words(), "the token is refused"
        )
        self.browser.driver.get(self.studio.address)
        self.browser.shown(".form-foot button")

    def pages_shown(self):
        return [
            section.get_attribute("data-page")
            for section in self.browser.driver.find_elements(
                "css selector", ".page"
            )
            if section.is_displayed()
        ]

    def test_shows_one_page_at_a_time(self):
        for page in PAGES:
            self.visit(page)
            # A page that is not filled yet has no height.
            self.browser.wait(
                lambda: self.pages_shown() == [page], f"{page} alone is shown"
            )
            current = self.browser.shown('.tabs a[aria-current="page"]')
            self.assertEqual(current.text.lower(), page)

    def test_shows_a_page_at_any_address(self):
        for rest, page in (("runs/50%", "runs"), ("toString", "animate")):
            with self.subTest(rest):
                self.browser.open(f"{self.studio.page}#{rest}")
                current = self.browser.shown('.tabs a[aria-current="page"]')
                self.assertEqual(current.text.lower(), page)
                self.browser.shown(f"#page-{page}")
                self.visit("motion")

    def test_rounds_times_and_sizes_to_their_units(self):
        texts = self.browser.driver.execute_async_script(
            "const [address, done] = arguments;"
            "import(address).then(({secondsText, bytesText}) => done(["
            "  ...[9.94, 9.97, 59.7, 3599, 7190].map(secondsText),"
            "  ...[999, 9960, 999600].map(bytesText)]));",
            f"{self.studio.page}api.js",
        )
        self.assertEqual(
            texts,
            ["9.9 s", "10 s", "1 min 0 s", "59 min 59 s", "2 h 0 min"]
            + ["999 B", "10 KB", "1.0 MB"],
        )

    def test_does_not_scroll_sideways_on_a_phone(self):
        for page in PAGES:
            for width in (browser.PHONE, (320, 700)):
                with self.subTest(page=page, width=width):
                    self.browser.resize(width)
                    self.visit(page)
                    self.browser.gone(".skeleton")
                    content, window = self.browser.run(
                        "const {scrollWidth, clientWidth} ="
                        " document.scrollingElement;"
                        "return [scrollWidth, clientWidth]"
                    )
                    self.assertLessEqual(content, window)

    def test_names_every_control(self):
        driver = self.browser.driver
        driver.execute_cdp_cmd("Accessibility.enable", {})
        for page in PAGES:
            self.visit(page)
            self.browser.gone(".skeleton")
            nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})
            nameless = [
                node["role"]["value"]
                for node in nodes["nodes"]
                if not node.get("ignored")
                and node["role"]["value"] in NAMED_ROLES
                and not node.get("name", {}).get("value")
            ]
            with self.subTest(page):
                self.assertEqual(nameless, [])

    def test_tries_again(self):
        self.browser.run(FAIL_ONCE)
        self.browser.press('.tabs a[href="#motion"]')
        self.browser.press("#page-motion .notice.error button")
        self.browser.shown("#page-motion button[type=submit]")

    def test_offers_on_each_page_what_another_one_has_sent(self):
        for page in PAGES:
            self.visit(page)
            self.browser.gone(".skeleton")
        _, upload = self.studio.json(
            "POST", "/uploads?kind=video", DANCE.read_bytes()
        )
        for page in ("animate", "motion"):
            with self.subTest(page):
                self.visit(page)
                self.browser.shown(f'#page-{page} [data-id="{upload["id"]}"]')

    def test_does_not_jump_while_it_loads(self):
        for page in PAGES:
            for size in (browser.WIDE, browser.PHONE):
                with self.subTest(page=page, size=size):
                    self.browser.resize(size)
                    self.browser.open(f"{self.studio.page}#{page}")
                    self.browser.shown(f"#page-{page}")
                    self.browser.gone(".skeleton")
                    self.assertLess(self.shift(), UNNOTICED_SHIFT)

    def shift(self):
        """Chromium's layout shifts since the page was opened, summed."""
        return self.browser.driver.execute_async_script(
            "const done = arguments[0]; let sum = 0;"
            "new PerformanceObserver((list) => {"
            "  for (const {value} of list.getEntries()) sum += value;"
            "}).observe({type: 'layout-shift', buffered: true});"
            "setTimeout(() => done(sum), 300);"
        )


if __name__ == "__main__":
    unittest.main()
