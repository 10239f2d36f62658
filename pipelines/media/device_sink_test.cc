// No device is needed: the path from frames to packets is tested with FFmpeg's
// muxer of raw video and a clock that obeys, the rest by what is refused.
#include "pipelines/media/device_sink.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::ReadFile;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Odd sizes are padded to 34x24.
const cv::Size kSize(33, 23);
constexpr size_t kBytes = 34 * 24 * 3 / 2;

VideoWriterOptions Options() {
  VideoWriterOptions options;
  options.width = kSize.width;
  options.height = kSize.height;
  return options;
}

// Time passes only in sleep, and by what a frame takes.
struct FakeClock {
  double now = 100;
  std::vector<double> sleeps;

  SinkClock clock() {
    return {[this] { return now; },
            [this](double seconds) {
              sleeps.push_back(seconds);
              now += seconds;
            }};
  }
};

cv::Mat Grey(int value) {
  return cv::Mat(kSize, CV_8UC3, cv::Scalar::all(value));
}

TEST(DeviceSink, WritesPlanesFrameAfterFrame) {
  FakeClock clock;
  const std::string path = TempPath("planes.yuv");
  auto sink = OpenRawSink("v4l2:x", "rawvideo", path, Options(), clock.clock());
  ASSERT_THAT(sink, IsOk());
  for (const int value : {0, 255, 128}) {
    ASSERT_THAT((*sink)->Write(Grey(value)), IsOk());
  }
  ASSERT_THAT((*sink)->Finish(), IsOk());
  const std::string bytes = *ReadFile(path);
  ASSERT_EQ(bytes.size(), 3 * kBytes);
  // Limited range: black is 16, white 235, and grey has no colour, 128.
  const auto at = [&](size_t i) {
    return static_cast<unsigned char>(bytes[i]);
  };
  EXPECT_EQ(at(0), 16);
  EXPECT_EQ(at(34 * 24 - 1), 16);  // what is padded
  EXPECT_EQ(at(34 * 24), 128);
  EXPECT_EQ(at(kBytes), 235);
  EXPECT_NEAR(at(2 * kBytes), 126, 1);
  EXPECT_EQ(at(3 * kBytes - 1), 128);
}

TEST(DeviceSink, ShowsFramesWhenTheyAreDueAndLateOnesAtOnce) {
  FakeClock clock;
  VideoWriterOptions options = Options();
  options.time_base = Rational{1, 1000};
  auto sink = OpenRawSink("v4l2:x", "rawvideo", TempPath("due.yuv"), options,
                          clock.clock());
  ASSERT_THAT(sink, IsOk());
  std::vector<double> shown;
  const auto write = [&](int64_t pts, double computing) {
    clock.now += computing;
    EXPECT_THAT((*sink)->WriteAt(Grey(0), pts, 40), IsOk());
    shown.push_back(std::round(1000 * (clock.now - 100)));
  };
  write(5000, 0);  // at once, wherever its times begin
  write(5040, 0);
  write(5080, 0.3);  // 340 ms after the first instead of 80
  write(5120, 0);
  write(5600, 0);
  EXPECT_THAT(shown, ElementsAre(0, 40, 340, 340, 600));
  EXPECT_THAT((*sink)->WriteAt(Grey(0), 5600, 40),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("must rise")));
}

TEST(DeviceSink, DoesNotWaitOnceItIsAskedToStop) {
  FakeClock clock;
  VideoWriterOptions options = Options();
  options.time_base = Rational{1, 1};
  options.stop = [&] { return clock.sleeps.size() >= 3; };
  auto sink = OpenRawSink("v4l2:x", "rawvideo", TempPath("stop.yuv"), options,
                          clock.clock());
  ASSERT_THAT(sink, IsOk());
  ASSERT_THAT((*sink)->WriteAt(Grey(0), 0, 1), IsOk());
  ASSERT_THAT((*sink)->WriteAt(Grey(0), 3600, 1), IsOk());
  EXPECT_THAT(clock.sleeps, ElementsAre(0.05, 0.05, 0.05));
}

TEST(DeviceSink, LeavesSoundOutWithAWarning) {
  VideoWriterOptions options = Options();
  options.audio_from = "dance.mp4";
  auto sink = OpenRawSink("v4l2:x", "rawvideo", TempPath("sound.yuv"), options,
                          SystemClock());
  ASSERT_THAT(sink, IsOk());
  EXPECT_THAT((*sink)->warnings(), ElementsAre(HasSubstr("dance.mp4")));
  EXPECT_THAT((*sink)->Finish(), StatusIs(StatusCode::kFailedPrecondition, _));
}

TEST(DeviceSink, SaysWhatToDoWithoutADevice) {
  EXPECT_TRUE(IsDeviceOutput("v4l2:/dev/video9"));
  EXPECT_FALSE(IsDeviceOutput("/dev/video9"));
  EXPECT_FALSE(IsDeviceOutput("v4l2.mp4"));
  EXPECT_THAT(OpenFrameSink("v4l2:/dev/none/video9", Options()),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("v4l2:/dev/none/video9"),
                             HasSubstr("modprobe v4l2loopback"))));
  for (const char* name : {"v4l2:", "v4l2:video9"}) {
    EXPECT_THAT(
        OpenFrameSink(name, Options()),
        StatusIs(StatusCode::kInvalidArgument, HasSubstr("v4l2:/dev/video9")));
  }
  // A device that takes no video.
  EXPECT_THAT(OpenFrameSink("v4l2:/dev/null", Options()).status().message(),
              HasSubstr("v4l2loopback"));
  EXPECT_THAT(
      OpenRawSink("v4l2:x", "no such muxer", "x", Options(), SystemClock()),
      StatusIs(StatusCode::kUnimplemented, HasSubstr("libavdevice")));
}

TEST(DeviceSink, LeavesFilesAlone) {
  const std::string path = TempPath("precious.txt");
  ASSERT_THAT(networks::files::WriteAtomically(path, "precious"), IsOk());
  EXPECT_THAT(OpenFrameSink("v4l2:" + path, Options()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no device")));
  EXPECT_THAT(ReadFile(path), IsOkAndHolds(std::string("precious")));
}

}  // namespace
}  // namespace pipelines::media
