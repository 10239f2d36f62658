// Driving videos that come through a pipe, which can be read once.
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/animation/animate_test_util.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/start_frame.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFrames = 5;

class AnimatePipeTest : public AnimateTest {
 protected:
  void SetUp() override {
    AnimateTest::SetUp();
    std::signal(SIGPIPE, SIG_IGN);  // of a reader that ends before the video
    WriteStill();
    media::WriteSound(Path("sound.m4a"), 0.2);
    media::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.audio_from = Path("sound.m4a");
    auto writer = *media::VideoWriter::Create(Path("driving.mp4"), options);
    for (int i = 0; i < kFrames; ++i) {
      ASSERT_THAT(writer->Write(Texture(48, 32, i)), IsOk());
    }
    ASSERT_THAT(writer->Finish(), IsOk());
    ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  }

  // What comes of the video through the pipe.
  absl::StatusOr<AnimateVideoReport> RunByPipe() {
    std::thread feeder([this] {
      const std::ifstream video(Path("driving.mp4"), std::ios::binary);
      std::ofstream(Path("pipe"), std::ios::binary) << video.rdbuf();
    });
    auto report = Run(Path("still.png"), Path("pipe"));
    feeder.join();
    return report;
  }
};

TEST_F(AnimatePipeTest, TakesTheFramesAndSaysThatTheSoundIsLost) {
  const auto report = RunByPipe();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, kFrames);
  EXPECT_EQ(*media::CountFrames(Path("out.mp4")), kFrames);
  EXPECT_THAT(report->warnings,
              testing::Contains(
                  AllOf(HasSubstr(Path("pipe")), HasSubstr("its sound"))));
  // The file's sound is kept.
  const auto whole = Run(Path("still.png"), Path("driving.mp4"));
  ASSERT_THAT(whole, IsOk());
  EXPECT_THAT(whole->warnings, testing::IsEmpty());
}

TEST_F(AnimatePipeTest, IsRefusedWhereTheVideoIsReadTwice) {
  options_.zero_phase.emplace();
  EXPECT_THAT(RunByPipe(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(Path("pipe")), HasSubstr("read once"),
                             HasSubstr("smooth causally"))));
  options_.zero_phase.reset();
  options_.start = *ParseStartFrame("keypoints");
  EXPECT_THAT(RunByPipe(), StatusIs(StatusCode::kInvalidArgument,
                                    HasSubstr("start from the first")));
}

}  // namespace
}  // namespace pipelines
