"""The page Animate: from files to downloads, and what can go wrong."""

import io
import unittest
import zipfile

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tools.studio.browser import browser, browser_testing
from tools.studio.browser.browser_testing import (
    DANCE,
    HOLD_STILLS,
    PUPPET,
    picture,
)

SUBMIT = "#page-animate .form-foot button"
RESULT = '#page-animate section[aria-label="Result"]'
BAR = f"{RESULT} progress"
PLAYER = f"{RESULT} video"
CROP = ".crop-box"
DELETE = '#page-animate [aria-label="Delete this upload"]'
# Of a job that a test cancels, still running then on a busy machine, too.
FRAMES = 90
# Of one whose every step is noted.
NOTED_FRAMES = 8
# Of one that has to end.
FEW_FRAMES = 3
JOB_SECONDS = 300
PUPPET_BY_DANCE = {
    "type": "animate",
    "source": "bundled:puppet",
    "driving": "bundled:dance",
    "checkpoint": "shipped",
}
# Keeps answers about crops until letCropsGo(), and the jobs that are sent.
HOLD_CROPS = """
const real = window.fetch;
const held = new Promise((resolve) => { window.letCropsGo = resolve; });
window.numSent = 0;
window.fetch = async (path, options) => {
  if (path.includes('/crop')) await held;
  if (!path.endsWith('/jobs') || options.method !== 'POST') return real(path, options);
  window.numSent += 1;
  window.sentJob = JSON.parse(options.body);
  return new Response('{"error":{"message":"not sent"}}', {status: 409});
};
"""
# Answers about faces fail; keeps the job that is sent.
FAIL_FACES = """
const real = window.fetch;
window.fetch = async (path, options) => {
  if (path.endsWith('by=face')) return new Response('{}', {status: 500});
  if (!path.endsWith('/jobs') || options.method !== 'POST') return real(path, options);
  window.sentJob = JSON.parse(options.body);
  return new Response('{"error":{"message":"not sent"}}', {status: 409});
};
"""
# Deletions wait until letDelete().
HOLD_DELETIONS = """
const real = window.fetch;
const held = new Promise((resolve) => { window.letDelete = resolve; });
window.fetch = async (path, options) => {
  if (options.method === 'DELETE') await held;
  return real(path, options);
};
"""
# The list of jobs comes after everything else.
DELAY_JOBS = """
const real = window.fetch;
window.fetch = async (path, options) => {
  if (path.endsWith('/jobs')) await new Promise((resolve) => setTimeout(resolve, 1000));
  return real(path, options);
};
"""
# The list of jobs says of those that run that they wait.
LIST_AS_WAITING = """
const real = window.fetch;
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (!path.endsWith('/jobs') || options.method !== 'GET') return answer;
  return new Response((await answer.text()).replaceAll('"running"', '"queued"'));
};
"""
# Nothing comes for the list of jobs until mend(), and the page soon gives up.
HANG_JOBS = """
const {fetch} = window;
const {timeout} = AbortSignal;
window.mend = () => { window.fetch = fetch; AbortSignal.timeout = timeout; };
AbortSignal.timeout = () => timeout.call(AbortSignal, 100);
window.fetch = (path, options) => {
  if (!path.endsWith('/jobs')) return fetch(path, options);
  const {signal} = options;
  return new Promise((_, reject) => { signal.onabort = () => reject(signal.reason); });
};
"""
# Notes each share of the bar of a job, and whether a frame was shown beside it.
NOTE_PROGRESS = """
const [result] = arguments;
window.barValues = [];
window.sawFrame = false;
const note = () => {
  const bar = document.querySelector(`${result} progress`);
  const share = bar?.hasAttribute('value') ? bar.value / bar.max : null;
  if (share !== null && !barValues.includes(share)) barValues.push(share);
  const frame = document.querySelector(`${result} img`);
  if (bar && frame?.checkVisibility() && frame.naturalWidth) window.sawFrame = true;
};
new MutationObserver(note).observe(document.body, {subtree: true, childList: true, attributes: true});
"""
# The signals that end streams of events.
KEEP_STREAMS = """
const real = window.fetch;
window.streams = [];
window.fetch = (path, options) => {
  if (path.endsWith('/events')) window.streams.push(options.signal);
  return real(path, options);
};
"""
# The disk has room for ten bytes.
FILL_DISK = """
const real = window.fetch;
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (!path.endsWith('/system')) return answer;
  const system = await answer.json();
  system.disk.room = 10;
  return new Response(JSON.stringify(system));
};
"""

# The next request for a job does not reach the server.
LOSE_JOB_ONCE = """
const real = window.fetch;
window.fetch = (path, options) => {
  if (!/jobs\\/[\\w-]+$/.test(path)) return real(path, options);
  window.fetch = real;
  return Promise.reject(new TypeError('network error'));
};
"""

SET_HIDDEN = """
Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});
document.dispatchEvent(new Event('visibilitychange'));
"""
# The first stream of events ends before it has said anything.
END_STREAM = """
const real = window.fetch;
window.fetch = (path, options) => {
  if (!path.endsWith('/events')) return real(path, options);
  window.fetch = real;
  return Promise.resolve(new Response(''));
};
"""
# The browser asks about the camera until allowCamera().
HOLD_CAMERA = """
const devices = navigator.mediaDevices;
const real = devices.getUserMedia.bind(devices);
const held = new Promise((resolve) => { window.allowCamera = resolve; });
devices.getUserMedia = async (wanted) => {
  await held;
  const stream = await real(wanted);
  [window.track] = stream.getTracks();
  return stream;
};
"""


class AnimateTest(browser_testing.BrowserTest):
    def start(self, frames=FEW_FRAMES):
        self.limit_frames(frames)
        self.browser.press(SUBMIT)
        self.browser.wait(
            lambda: "#animate/" in self.browser.driver.current_url,
            "the address names the job",
        )

    def limit_frames(self, frames):
        limit = self.browser.shown('#page-animate input[placeholder="all"]')
        limit.clear()
        limit.send_keys(str(frames))

    def wait_until_done(self):
        self.browser.shown(PLAYER, JOB_SECONDS)
        return self.browser.shown(f'{RESULT} [data-format="mp4"]')

    def sees_the_end(self):
        """The page follows a job: it tells that someone else has ended it."""
        job = self.browser.driver.current_url.rsplit("/", 1)[-1]
        self.studio.ask("POST", f"/jobs/{job}/cancel")
        self.browser.wait(
            lambda: "Cancelled" in self.browser.text(RESULT), "it is cancelled"
        )

    def bar_values(self):
        """The share of the bar whenever it is another one, until the player

        is there; and whether a frame was shown meanwhile.
        """
        self.wait_until_done()
        return self.browser.run("return [window.barValues, window.sawFrame]")

    def test_goes_from_files_to_downloads(self):
        self.browser.send_file("Still", PUPPET)
        self.browser.send_file("Video", DANCE)
        self.browser.wait(
            lambda: len(self.chosen_uploads()) == 2, "both files are chosen"
        )
        for panel in ("source", "driving"):
            self.browser.choose(panel, ".chips label")
        self.browser.run(NOTE_PROGRESS, RESULT)
        self.start(NOTED_FRAMES)
        values, saw_frame = self.bar_values()
        self.assertGreater(len(values), 1)
        self.assertEqual(values, sorted(values))
        self.assertTrue(saw_frame)
        self.plays_three_panels()
        self.downloads_are_what_they_say()
        command = self.browser.text(f"{RESULT} .code")
        self.assertIn("--panels", command)
        self.assertIn("source,driving,result", command)
        self.assertIn("--source=puppet.png --driving=dance.mp4 ", command)

    def chosen_uploads(self):
        return [
            thumb
            for thumb in self.browser.driver.find_elements(
                "css selector", '#page-animate .thumb[aria-pressed="true"]'
            )
            if ":" not in thumb.get_attribute("data-id")
        ]

    def plays_three_panels(self):
        size = "const v = document.querySelector(arguments[0]);"
        width, height = self.browser.run(
            size + "return [v.videoWidth, v.videoHeight]", PLAYER
        )
        self.assertEqual(width, 3 * height)
        self.browser.wait(
            lambda: self.browser.run(size + "return v.currentTime", PLAYER) > 0,
            "the video plays",
        )

    def downloads_are_what_they_say(self):
        starts = {
            "mp4": (".mp4", 4, b"ftyp"),
            "gif": (".gif", 0, b"GIF89a"),
            "webm": (".webm", 0, b"\x1a\x45\xdf\xa3"),
            "png": (".zip", 0, b"PK"),
        }
        for name, (ending, at, start) in starts.items():
            with self.subTest(name):
                self.browser.press(f'{RESULT} [data-format="{name}"]')
                data = self.browser.downloaded(ending)
                self.assertEqual(data[at : at + len(start)], start)
        with zipfile.ZipFile(io.BytesIO(data)) as frames:
            self.assertEqual(len(frames.namelist()), NOTED_FRAMES)

    def test_keeps_a_motion_file_after_a_reload(self):
        _, job = self.studio.json(
            "POST",
            "/jobs",
            {
                "type": "motion",
                "driving": "bundled:dance",
                "checkpoint": "shipped",
                "max_frames": 1,
            },
        )
        self.browser.wait(
            lambda: self.studio.json("GET", f"/jobs/{job['id']}")[1]["state"]
            == "done",
            "the motion file is there",
            JOB_SECONDS,
        )
        motion = f'#page-animate .thumb[data-id="job:{job["id"]}"]'
        self.browser.open(self.studio.address)
        self.browser.press(motion)
        self.open_with(DELAY_JOBS)
        self.browser.shown(f'{motion}[aria-pressed="true"]')

    def open_with(self, script):
        """Opens the page anew; the script runs before its own."""
        driver = self.browser.driver
        added = driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": script}
        )
        self.browser.open(self.studio.address)
        driver.execute_cdp_cmd(
            "Page.removeScriptToEvaluateOnNewDocument", added
        )

    def test_goes_on_after_a_reload_in_the_middle(self):
        self.browser.choose("relative")
        self.start(FRAMES)
        self.browser.shown(BAR)
        self.browser.driver.refresh()
        self.browser.shown(BAR)
        self.sees_the_end()
        relative = self.browser.driver.find_element(
            "css selector", '#page-animate input[value="relative"]'
        )
        self.assertTrue(relative.is_selected())

    def test_follows_no_job_while_the_tab_is_hidden(self):
        self.browser.run(KEEP_STREAMS)
        self.start(FRAMES)
        self.browser.shown(BAR)
        self.browser.wait(
            lambda: self.browser.run("return streams.length"), "it is followed"
        )
        self.browser.run(SET_HIDDEN, True)
        self.assertTrue(self.browser.run("return streams[0].aborted"))
        self.browser.run(SET_HIDDEN, False)
        self.sees_the_end()

    def test_follows_a_job_whose_events_end_before_it(self):
        self.browser.run(END_STREAM)
        self.start()
        self.wait_until_done()

    def test_shows_the_jobs_in_a_second_tab(self):
        self.start(FRAMES)
        driver = self.browser.driver
        first = driver.current_window_handle
        driver.switch_to.new_window("tab")
        try:
            driver.get(self.studio.page)  # without the token
            self.browser.shown(BAR)
            self.browser.shown('#page-animate .job a[aria-current="true"]')
            self.sees_the_end()
        finally:
            driver.close()
            driver.switch_to.window(first)

    def test_brings_the_result_into_view_on_a_phone(self):
        self.browser.resize(browser.PHONE)
        self.start()
        result = self.browser.shown(RESULT)
        self.browser.wait(
            lambda: self.browser.run(
                "const {top} = arguments[0].getBoundingClientRect();"
                "return top >= 0 && top < innerHeight / 2",
                result,
            ),
            "the result is in the window",
        )

    def test_cancels(self):
        self.start(FRAMES)
        self.browser.shown(BAR)
        cancel = self.browser.shown(f"{RESULT} .row.spread button")
        self.assertEqual(cancel.text, "Cancel")
        cancel.click()
        self.browser.wait(
            lambda: "Cancelled" in self.browser.text(RESULT), "it is cancelled"
        )
        self.browser.gone(BAR)

    def test_moves_the_crop_by_pointer_and_keys(self):
        box = self.browser.shown(CROP)
        self.browser.choose("centre")
        # Smaller, so that there is room to move.
        for _ in range(10):
            box.send_keys("-")
        before = self.crop()
        ActionChains(self.browser.driver).drag_and_drop_by_offset(
            box, 12, 8
        ).perform()
        dragged = self.crop()
        self.assertGreater(dragged["left"], before["left"])
        self.assertGreater(dragged["top"], before["top"])
        self.assertAlmostEqual(dragged["width"], before["width"], places=3)
        box.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        self.assertLess(self.crop()["left"], dragged["left"])
        box.send_keys("+")
        self.assertGreater(self.crop()["width"], dragged["width"])

    def crop(self):
        return self.browser.run(
            "const {left, top, width} = document.querySelector(arguments[0])"
            ".getBoundingClientRect(); return {left, top, width}",
            CROP,
        )

    def test_keeps_the_crop_by_hand_after_an_upload_that_failed(self):
        self.browser.shown(CROP).send_keys("-", "-")
        self.assertEqual(self.form_value("cropBy"), "own")
        box = self.form_value("box")
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.gone(CROP)
        self.browser.run("heldStill.dispatchEvent(new ProgressEvent('error'))")
        self.browser.shown(CROP)
        self.assertEqual(self.form_value("cropBy"), "own")
        self.assertEqual(self.form_value("box"), box)

    def test_sends_no_job_without_the_crop_that_was_chosen(self):
        self.browser.shown(CROP)  # the centre
        self.browser.run(FAIL_FACES)
        self.browser.choose("face")
        self.browser.shown("#page-animate .notice.error")
        self.browser.press(SUBMIT)  # this asks again
        self.browser.shown("#page-animate .notice.error")
        self.assertIsNone(self.browser.run("return window.sentJob"))

    def test_keeps_no_box_of_the_former_choice(self):
        self.browser.shown(CROP)  # the centre
        self.browser.run(HOLD_CROPS)
        self.browser.choose("face")
        self.assertEqual(self.form_value("cropBy"), "face")
        self.assertIsNone(self.form_value("box"))
        self.browser.open(self.studio.address)
        self.browser.shown(CROP)
        self.assertEqual(self.form_value("cropBy"), "face")
        self.browser.wait(
            lambda: self.form_value("box"), "the face's box is kept"
        )

    def focus_is_at(self, css):
        return self.browser.run(
            "return document.activeElement.matches(arguments[0])", css
        )

    def test_keeps_the_focus_beside_what_is_deleted(self):
        self.cancelled_job(PUPPET_BY_DANCE)
        self.cancelled_job(PUPPET_BY_DANCE)
        self.browser.open(self.studio.address)
        jobs = "#page-animate .job"
        for left, focused in ((1, f"{jobs} a"), (0, ".stack:has(> div > .empty)")):
            self.browser.shown(f"{jobs} button").send_keys(Keys.ENTER)
            self.browser.wait(
                lambda: self.focus_is_at(focused), f"the focus is at {focused}"
            )
            self.assertEqual(
                len(self.browser.driver.find_elements("css selector", jobs)),
                left,
            )
        self.browser.send_file("Still", PUPPET)
        self.browser.wait(self.chosen_uploads, "the still is chosen")
        self.wait_for_pictures()
        self.browser.shown(DELETE).send_keys(Keys.ENTER)
        self.browser.wait(
            lambda: self.focus_is_at(".thumb"), "the focus is at a still"
        )

    def test_deletes_what_was_cancelled_while_it_was_read(self):
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.shown('progress[aria-label="Upload of puppet.png"]')
        self.browser.run("heldStill.upload.dispatchEvent(new ProgressEvent('load'))")
        self.browser.press("#page-animate .media .cover button")
        self.browser.run("heldStill.letGo()")
        self.browser.wait(
            lambda: self.browser.run("return heldStill.readyState === 4"),
            "the server has answered",
        )
        self.browser.wait(
            lambda: not self.studio.json("GET", "/uploads")[1], "it is deleted"
        )
        self.assertEqual(self.chosen_uploads(), [])

    def test_forgets_what_another_tab_has_deleted(self):
        self.expected_complaints = ("/uploads/",)
        self.browser.send_file("Still", PUPPET)
        (thumb,) = self.browser.wait(self.chosen_uploads, "it is chosen")
        upload = thumb.get_attribute("data-id")
        self.wait_for_pictures()
        self.studio.ask("DELETE", f"/uploads/{upload}")
        self.browser.press(DELETE)
        self.browser.gone(f'#page-animate [data-id="{upload}"]')
        self.assertEqual(self.chosen_uploads(), [])

    def test_says_that_the_disk_has_no_room(self):
        self.browser.run(FILL_DISK + HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.gone(CROP)
        self.browser.run("heldStill.dispatchEvent(new ProgressEvent('error'))")
        self.assertIn(
            "has no room", self.browser.text("#page-animate .media .notice.error")
        )

    def test_shows_the_bar_again_after_the_server_was_away(self):
        self.start(FRAMES)
        self.browser.shown(BAR)
        self.browser.run(SET_HIDDEN, True)
        self.browser.run(LOSE_JOB_ONCE)
        self.browser.run(SET_HIDDEN, False)
        self.browser.shown(f"{RESULT} .notice.error")
        self.browser.run(SET_HIDDEN, True)
        self.browser.run(SET_HIDDEN, False)
        self.browser.shown(BAR)
        self.sees_the_end()

    def wait_for_pictures(self):
        """So that none is asked for when it is not there any more."""
        self.browser.shown(CROP)
        self.browser.wait(
            lambda: self.browser.run(
                "return [...document.querySelectorAll('#page-animate .media img')]"
                ".every((image) => image.naturalWidth)"
            ),
            "all pictures are there",
        )

    def test_deletes_a_job_that_has_begun_since_it_was_listed(self):
        # Of what the page asks for while it is deleted.
        self.expected_complaints = ("/frame", "/events")
        self.browser.run(LIST_AS_WAITING)
        self.start(FRAMES)
        job = self.browser.driver.current_url.rsplit("/", 1)[-1]
        self.browser.wait(
            lambda: self.studio.json("GET", f"/jobs/{job}")[1]["state"]
            == "running",
            "it runs",
        )
        self.browser.press("#page-animate .job button")
        self.browser.gone("#page-animate .job")

    def test_puts_the_focus_where_something_is_missing(self):
        self.expected_complaints = ("/jobs",)
        self.browser.choose_option(
            'select:has(option[value="number"])', "Frame number"
        )
        start = '[aria-label^="Start frame number"]'
        self.browser.shown(start).clear()
        self.browser.shown(start).send_keys("-1")
        self.browser.press(SUBMIT)
        self.browser.shown("#page-animate .field-error")
        self.assertTrue(self.focus_is_at(start))
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.gone(CROP)
        limit = self.browser.shown('#page-animate input[placeholder="all"]')
        limit.send_keys(Keys.CONTROL, Keys.ENTER)
        self.browser.shown("#page-animate .field-error")
        # Not at "Cancel" of what is being sent.
        self.assertTrue(self.focus_is_at(".thumb"))

    def cancelled_job(self, request):
        _, job = self.studio.json("POST", "/jobs", request)
        self.studio.ask("POST", f"/jobs/{job['id']}/cancel")
        return job["id"]

    def test_takes_over_the_settings_of_a_job_and_no_others(self):
        by_script = {**PUPPET_BY_DANCE, "start_frame": "auto", "size": 100}
        ids = [self.cancelled_job(PUPPET_BY_DANCE), self.cancelled_job(by_script)]
        self.browser.choose("relative")
        self.browser.choose("source", ".chips label")
        self.limit_frames(FRAMES)
        for job, start, size in zip(ids, ("first", "keypoints"), ("0", "100")):
            self.browser.run("location.hash = arguments[0]", f"#animate/{job}")
            self.browser.shown(f'.job a[aria-current="true"][href$="{job}"]')
            self.browser.wait(
                lambda: "Cancelled" in self.browser.text(RESULT),
                "the job is shown",
            )
            button = self.browser.shown(f"{RESULT} .row button")
            self.assertEqual(button.text, "Use these settings")
            self.browser.press(button)
            self.browser.wait(
                lambda: self.form_value("start_frame") == start,
                "the start is taken over",
            )
            self.assertEqual(str(self.form_value("size")), size)
            self.assertEqual(self.form_value("mode"), "standard")
            self.assertEqual(self.form_value("panels"), ["result"])
            self.assertEqual(self.form_value("max_frames"), 0)

    def test_proposes_the_mode_of_the_pair_until_one_is_chosen(self):
        own = '#page-animate .thumb[title="dance.mp4"]'
        bundled = '#page-animate .thumb[data-id="bundled:dance"]'
        self.assertEqual(self.form_value("mode"), "standard")
        self.browser.send_file("Video", DANCE)
        self.browser.wait(self.chosen_uploads, "the video is chosen")
        self.assertEqual(self.form_value("mode"), "relative")
        self.browser.press(bundled)
        self.assertEqual(self.form_value("mode"), "standard")
        self.browser.choose("relative")
        for video in (own, bundled):
            self.browser.press(video)
            self.assertEqual(self.form_value("mode"), "relative")

    def form_value(self, name):
        """What the form would send, which the tab keeps."""
        return self.browser.run(
            "return JSON.parse(sessionStorage.getItem('studio-animate'))[arguments[0]]",
            name,
        )

    def test_waits_for_the_crop_of_a_new_still(self):
        wide = self.browser.downloads / "wide.png"
        wide.write_bytes(picture(96, 48))
        self.browser.choose("face")
        self.browser.send_file("Still", wide)
        self.browser.wait(self.chosen_uploads, "the still is chosen")
        self.browser.press('#page-animate .thumb[data-id="bundled:puppet"]')
        self.browser.shown(CROP)
        # The box of the next still stays on its way.
        self.browser.run(HOLD_CROPS)
        still = self.browser.shown('.thumb[title="wide.png"]')
        self.browser.press(still)
        self.browser.gone(CROP)
        self.browser.press(SUBMIT)
        self.assertIsNone(self.browser.run("return window.sentJob"))
        self.browser.run("window.letCropsGo()")
        job = self.browser.wait(
            lambda: self.browser.run("return window.sentJob"), "it is sent"
        )
        self.assertEqual(job["crop"], {"x": 24, "y": 0, "side": 48})

    def test_sends_one_job_while_it_is_starting(self):
        self.browser.shown(CROP)
        self.browser.run(HOLD_CROPS)
        self.browser.choose("face")
        limit = self.browser.shown('#page-animate input[placeholder="all"]')
        for _ in range(2):
            limit.send_keys(Keys.CONTROL, Keys.ENTER)
        self.browser.run("window.letCropsGo()")
        self.browser.shown("#page-animate .notice.error")  # it was not sent
        self.browser.shown(f"{SUBMIT}:not(:disabled)")
        self.assertEqual(self.browser.run("return window.numSent"), 1)

    def test_takes_a_video_while_a_still_is_sent(self):
        self.browser.choose("face")
        self.browser.shown(CROP)
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.gone(CROP)
        self.browser.send_file("Video", DANCE)
        self.browser.wait(
            lambda: len(self.chosen_uploads()) == 1, "the video is chosen"
        )

    def test_keeps_what_was_chosen_while_a_still_was_sent(self):
        self.browser.send_file("Still", PUPPET)
        self.browser.wait(self.chosen_uploads, "the still is chosen")
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.gone(CROP)
        bundled = '#page-animate .thumb[data-id="bundled:puppet"]'
        self.browser.press(bundled)
        self.browser.shown(CROP)
        self.browser.run("heldStill.dispatchEvent(new ProgressEvent('error'))")
        words = self.browser.text("#page-animate .media .notice.error")
        self.assertIn("cut off", words)
        self.assertNotIn("--max_upload", words)
        self.assertTrue(self.browser.find(f'{bundled}[aria-pressed="true"]'))
        self.assertEqual(self.chosen_uploads(), [])

    def test_keeps_what_was_chosen_when_a_still_has_come(self):
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.shown('progress[aria-label="Upload of puppet.png"]')
        bundled = '#page-animate .thumb[data-id="bundled:puppet"]'
        self.browser.press(bundled)
        self.browser.run("heldStill.letGo()")
        self.browser.shown('#page-animate .thumb[title="puppet.png"]')
        self.assertTrue(self.browser.find(f'{bundled}[aria-pressed="true"]'))
        self.assertEqual(self.chosen_uploads(), [])

    def test_keeps_what_was_chosen_while_another_still_was_deleted(self):
        other = self.browser.downloads / "other.png"
        self.addCleanup(other.unlink)
        other.write_bytes(picture(96, 48))
        thumb = '#page-animate .thumb[title="%s"]'
        for path in (other, PUPPET):
            self.browser.send_file("Still", path)
            self.browser.shown(thumb % path.name + '[aria-pressed="true"]')
        self.wait_for_pictures()
        self.browser.run(HOLD_DELETIONS)
        self.browser.press(DELETE)
        self.browser.press(thumb % other.name)
        self.browser.run("window.letDelete()")
        self.browser.gone(thumb % PUPPET.name)
        self.assertTrue(
            self.browser.find(thumb % other.name + '[aria-pressed="true"]')
        )

    def test_says_how_much_uploads_use(self):
        used = '#page-animate section[aria-label="Jobs"] .hint'
        before = self.browser.wait(
            lambda: self.browser.text(used), "the page says it"
        )
        self.browser.send_file("Still", PUPPET)
        self.browser.wait(
            lambda: self.browser.text(used) != before, "they use more"
        )
        self.wait_for_pictures()
        self.browser.press(DELETE)
        self.browser.wait(
            lambda: self.browser.text(used) == before, "they use as before"
        )

    def test_waits_for_a_still_after_the_next_one_failed(self):
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Still", PUPPET)
        self.browser.shown('progress[aria-label="Upload of puppet.png"]')
        self.browser.run("window.first = heldStill")
        bad = self.browser.downloads / "bad.png"
        self.addCleanup(bad.unlink)
        bad.write_bytes(b"bad")
        self.browser.send_file("Still", bad)
        self.browser.shown('progress[aria-label="Upload of bad.png"]')
        self.browser.run("heldStill.dispatchEvent(new ProgressEvent('error'))")
        self.browser.shown('progress[aria-label="Upload of puppet.png"]')
        self.browser.run("first.letGo()")
        self.browser.wait(self.chosen_uploads, "the first still is chosen")

    def test_stops_the_camera_that_was_allowed_after_the_dialog_closed(self):
        self.browser.run(HOLD_CAMERA)
        self.browser.press('button[aria-label="Record a video"]')
        self.browser.press('dialog button[aria-label="Close"]')
        self.browser.gone("dialog")
        self.browser.run("window.allowCamera()")
        self.browser.wait(
            lambda: self.browser.run("return window.track?.readyState")
            == "ended",
            "the camera is off",
        )

    def test_records_by_the_camera(self):
        # The page counts down from 3 before it records.
        self.browser.run(browser.SHORT_WAITS)
        self.browser.press('button[aria-label="Record a video"]')
        self.browser.choose_option("dialog select", "3 seconds")
        self.browser.press("dialog .button.primary")
        use = self.browser.wait(
            lambda: next(
                (
                    button
                    for button in self.browser.driver.find_elements(
                        "css selector", "dialog .button.primary"
                    )
                    if button.text == "Use it"
                ),
                None,
            ),
            "the recording can be used",
        )
        use.click()
        self.browser.gone("dialog")
        self.browser.wait(
            lambda: len(self.chosen_uploads()) == 1, "the recording is chosen"
        )
        facts = self.browser.text(
            '#page-animate section:has(button[aria-label="Record a video"])'
            " .media-facts"
        )
        self.assertIn("640 × 480", facts)

    def wrong_file(self, title, name, data):
        self.expected_complaints = ("/uploads?kind=",)
        path = self.browser.downloads / name
        path.write_bytes(data)
        # This empties the place of the notice.
        self.browser.send_file(title, path)
        section = self.browser.section(title)
        return self.browser.wait(
            lambda: section.find_element("css selector", ".notice.error"),
            "the page says what is wrong",
        ).text

    def test_says_what_is_wrong_with_a_file_and_keeps_the_former_one(self):
        self.browser.shown(CROP)
        for title, name, data in (
            ("Still", "empty.png", b""),
            ("Still", "words.png", b"This is not a picture."),
            ("Still", "video.png", DANCE.read_bytes()),
            ("Video", "picture.mp4", PUPPET.read_bytes()),
            ("Video", "cut.mp4", DANCE.read_bytes()[:2000]),
        ):
            with self.subTest(name):
                words = self.wrong_file(title, name, data)
                self.assertGreater(len(words), 20)
                self.assertNotIn("fault", words)
                self.assertTrue(self.browser.shown(CROP))

    def test_says_why_a_job_failed(self):
        # The mode of the bundled pair does not look at the start.
        self.browser.press('label:has(input[value="relative"])')
        self.browser.choose_option(
            'select:has(option[value="number"])', "Frame number"
        )
        number = self.browser.shown('[aria-label^="Start frame number"]')
        number.clear()
        number.send_keys("4000")
        self.expected_complaints = ("/jobs",)
        self.browser.press(SUBMIT)
        words = self.browser.shown(
            f"{RESULT} .notice.error, #page-animate .field-error"
        ).text
        self.assertIn("frame", words.lower())

    def test_offers_no_mode_that_the_checkpoint_lacks(self):
        self.assertTrue(self.browser.find('label:has(input[value="standard"])'))
        self.assertIsNone(self.browser.find('label:has(input[value="avd"])'))

    def test_keeps_what_was_made_after_a_restart(self):
        self.start()
        self.wait_until_done()
        self.expected_complaints = ("ERR_CONNECTION", "ERR_EMPTY", "/api/v1/")
        self.studio.stop()
        self.browser.shown(".dot.is-lost", seconds=20)
        self.studio.start()
        self.browser.open(self.studio.address)
        self.browser.press("#page-animate .job a")
        self.wait_until_done()
        # The list was drawn anew to mark the job.
        self.assertTrue(
            self.browser.run(
                "return document.activeElement.matches(arguments[0])",
                '.job a[aria-current="true"]',
            )
        )

    def test_says_that_a_server_hangs_until_it_answers(self):
        self.cancelled_job(PUPPET_BY_DANCE)
        self.browser.open(self.studio.address)
        self.browser.shown(CROP)
        self.browser.run(HANG_JOBS)
        self.browser.press("#page-animate .job button")  # reads the list
        self.browser.shown(".dot.is-lost")
        self.browser.run("mend()")
        self.visit("motion")  # asks for other things
        self.browser.gone(".dot.is-lost")

    def test_works_by_keys_alone(self):
        driver = self.browser.driver
        self.limit_frames(FEW_FRAMES)
        self.browser.run("document.activeElement.blur()")
        for _ in range(60):
            ActionChains(driver).send_keys(Keys.TAB).perform()
            if driver.switch_to.active_element.text == "Animate":
                tag = driver.switch_to.active_element.tag_name
                if tag == "button":
                    break
        self.assertEqual(driver.switch_to.active_element.text, "Animate")
        ActionChains(driver).send_keys(Keys.ENTER).perform()
        self.wait_until_done()


if __name__ == "__main__":
    unittest.main()
