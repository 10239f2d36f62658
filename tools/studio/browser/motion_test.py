"""The page Motion: keypoints over a video, a motion file, another still."""

import base64
import json
import pathlib
import unittest

from tools.studio.browser import browser_testing
from tools.studio.browser.browser_testing import HOLD_STILLS, PUPPET

VIEW = '#page-motion section[aria-label="Keypoints"]'
CANVAS = f"{VIEW} canvas"
JOB_SECONDS = 300
# Of the job that all tests show.
FRAMES = 6
LATE = pathlib.Path("tools/studio/browser/testdata/late-picture.mp4")
# How many pixels of the canvas are drawn on, and a number for what is there.
DRAWN = """
const {width, height} = arguments[0];
const pixels = arguments[0].getContext('2d').getImageData(0, 0, width, height).data;
let drawn = 0, sum = 0;
for (let i = 3; i < pixels.length; i += 4) {
  if (pixels[i] > 0) { drawn += 1; sum = (sum * 31 + i + pixels[i - 1]) % 1000003; }
}
return [drawn, sum];
"""
# Answers about keypoints stay on their way until letKeypointsGo().
HOLD_KEYPOINTS = """
const real = window.fetch;
const held = new Promise((resolve) => { window.letKeypointsGo = resolve; });
window.fetch = async (path, options) => {
  if (path.endsWith('/keypoints')) await held;
  return real(path, options);
};
"""
# The frames that are due at some times of the video, of three, 20 a second on
# average.
FRAMES_AT = """
const [times, seconds] = arguments;
return import('/keypoint_player.js').then(({KeypointPlayer}) => {
  const keypoints = {fps: 20, sets: [], frames: [[], [], []], ...(times && {times})};
  const player = new KeypointPlayer(null, keypoints, null, 64);
  player.close();
  return seconds.map((time) => player.frameOfVideo(time));
});
"""

# Of a video of ten frames, 10 a second, whose first is at 0.5 s: the frames that
# are due at some times of it, and where two players go to for frame 5.
LATE_FRAMES = """
const [base64, seconds] = arguments;
const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const api = {blob: async () => bytes, pictures: {address: async () => ''}};
const facts = {id: 'late', kind: 'video', bytes: bytes.length, width: 32,
  height: 32, frames: 10, fps: 10};
const times = [...Array(10).keys()].map((i) => i / 10);
const keypoints = {fps: 10, sets: [], frames: times.map(() => []), times};
// A frame of the screen later, so that the page has been told, too.
const drawn = (resolve) => requestAnimationFrame(resolve);
const shown = (video) => Promise.all([
  new Promise((resolve) => video.addEventListener('loadeddata', () => drawn(resolve))),
  new Promise((resolve) => video.requestVideoFrameCallback(() => drawn(resolve)))]);
const run = async ([{KeypointPlayer}, {MediaInput}]) => {
  const player = new KeypointPlayer(api, keypoints, facts, 64);
  await shown(player.video);
  player.seek(5);
  const input = new MediaInput(api, {kind: 'video', title: 'Video'});
  input.set(facts, {quiet: true});
  await shown(input.video);
  await input.showFrame(5);
  const sought = [player.video.currentTime, input.video.currentTime];
  player.close();
  input.hideVideo();
  return [seconds.map((time) => player.frameOfVideo(time)), sought];
};
return Promise.all([import('/keypoint_player.js'),
  import('/media_input.js')]).then(run);
"""


class MotionTest(browser_testing.BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, job = cls.studio.json(
            "POST",
            "/jobs",
            {
                "type": "motion",
                "driving": "bundled:dance",
                "checkpoint": "shipped",
                "max_frames": FRAMES,
            },
        )
        cls.kept_jobs = (job["id"],)

    def setUp(self):
        super().setUp()
        (job,) = self.kept_jobs
        self.browser.run("location.hash = arguments[0]", f"#motion/{job}")
        self.see_keypoints()

    def see_keypoints(self):
        self.canvas = self.browser.shown(CANVAS, JOB_SECONDS)
        self.browser.wait(lambda: self.drawn()[0], "keypoints are drawn")

    def drawn(self):
        return self.browser.run(DRAWN, self.canvas)

    def test_draws_numbered_sets_of_each_frame(self):
        names = [
            label.text
            for label in self.browser.driver.find_elements(
                "css selector", f"{VIEW} .chips label"
            )
        ]
        self.assertEqual(names, [f"Set {i}" for i in range(1, len(names) + 1)])
        self.assertGreater(len(names), 1)
        _, first = self.drawn()
        self.browser.press(f'{VIEW} button[aria-label="Play"]')
        self.browser.wait(lambda: self.drawn()[1] != first, "keypoints move")

    def test_finds_the_frame_of_a_time_by_the_times_of_the_frames(self):
        frames = self.browser.run(FRAMES_AT, [0, 0.5, 0.55], [0.4, 0.4995, 0.7])
        self.assertEqual(frames, [0, 1, 2])
        # Of an earlier version: the nearest one by the rate.
        frames = self.browser.run(FRAMES_AT, None, [0.02, 0.03, 0.07, 0.7])
        self.assertEqual(frames, [0, 1, 1, 2])

    def test_counts_from_the_first_frame_where_sound_begins_before_it(self):
        video = base64.b64encode(LATE.read_bytes()).decode()
        frames, times = self.browser.run(LATE_FRAMES, video, [0.5, 0.95, 1.4])
        self.assertEqual(frames, [0, 4, 9])
        for time in times:
            self.assertAlmostEqual(time, 1.05)

    def test_takes_no_motion_file(self):
        css = '#page-{} input[accept*=".safetensors"]'
        find = self.browser.driver.find_elements
        self.assertEqual(find("css selector", css.format("motion")), [])
        self.assertEqual(len(find("css selector", css.format("animate"))), 1)

    def go(self, place, words):
        self.browser.run("location.hash = arguments[0]", place)
        self.browser.wait(lambda: words in self.browser.text(VIEW), words)

    def test_shows_no_keypoints_under_another_job(self):
        (job,) = self.kept_jobs
        self.expected_complaints = ("/jobs/none",)
        self.browser.run(HOLD_KEYPOINTS)
        # It is opened again while its keypoints are on their way.
        for _ in range(2):
            self.go("#motion", "No keypoints yet")
            self.go(f"#motion/{job}", "Loading the keypoints")
        self.browser.run("letKeypointsGo()")
        self.see_keypoints()
        self.go("#motion/none", "There is no job with this id")
        self.assertIsNone(self.browser.find(CANVAS))

    def test_hides_sets(self):
        pixels, _ = self.drawn()
        self.browser.choose("1", f"{VIEW} .chips label")
        self.assertLess(self.drawn()[0], pixels)

    def test_finds_keypoints_and_saves_them(self):
        self.browser.press("#page-motion button[type=submit]")
        self.browser.gone(CANVAS)  # of the job before
        self.see_keypoints()
        self.browser.press(f'{VIEW} [data-format="motion"]')
        motion = self.browser.downloaded(".safetensors")
        self.assertIn(b"cpab-motion", motion)
        self.browser.press(f'{VIEW} [data-format="json"]')
        keypoints = json.loads(self.browser.downloaded(".json"))
        self.assertEqual(len(keypoints["frames"]), 98)
        self.assertEqual(len(keypoints["times"]), 98)

    def test_asks_for_a_still_while_it_is_sent(self):
        self.browser.run(HOLD_STILLS)
        self.browser.send_file("Play on a still", PUPPET)
        self.browser.shown(f"{VIEW} .play-on-still progress")
        self.browser.press(f"{VIEW} .play-on-still .button.primary")
        self.assertIn(
            "still", self.browser.text(f"{VIEW} .play-on-still .field-error")
        )

    def test_plays_the_motion_on_a_still(self):
        self.browser.press(f"{VIEW} .play-on-still .button.primary")
        self.browser.shown(
            '#page-animate section[aria-label="Result"] video', JOB_SECONDS
        )
        self.assertIn("#animate/", self.browser.driver.current_url)


if __name__ == "__main__":
    unittest.main()
