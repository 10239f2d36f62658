// Motion files and single pictures in the place of driving videos, by
// themselves and in AnimateVideo.
#include "pipelines/animation/driving_reader.h"

#include <sys/stat.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/transfer.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "networks/testing/tensor_near.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/animation/panels.h"
#include "pipelines/animation/start_frame.h"
#include "pipelines/animation/texture_test_util.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::keypoints::TransferMode;
using ::networks::files::ReadFile;
using ::networks::test_util::TensorNear;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TrainedModel NewModel(int seed,
                      const std::vector<std::string>& overrides = {}) {
  torch::manual_seed(seed);
  const Config config = *TinyConfig(overrides);
  auto model = *AnimationModel::Create(config.model());
  model->eval();
  return {config, model};
}

class DrivingReaderTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    EXPECT_THAT(media::WriteImage(still_, Texture(40, 40, 1)), IsOk());
    WriteVideo();
    animator_ = *Animator::Create(trained_, torch::kCPU, animator_options_);
  }

  // Seven frames at uneven times.
  void WriteVideo() {
    media::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.frame_rate = {30000, 1001};
    options.time_base = media::Rational{1, 30000};
    auto writer = *media::VideoWriter::Create(video_, options);
    for (int i = 0; i < 7; ++i) {
      EXPECT_THAT(
          writer->WriteAt(Texture(48, 32, i + 2), 1001 * i * (i + 1) / 2, 1001),
          IsOk());
    }
    EXPECT_THAT(writer->Finish(), IsOk());
  }

  absl::StatusOr<AnimateVideoReport> Run(const std::string& driving,
                                         const std::string& output) {
    return AnimateVideo(*animator_, still_, driving, folder_ + output,
                        options_);
  }

  // Writes motion_, and what it was found in as "/video.mp4".
  void SaveMotion() {
    options_.save_motion = motion_;
    ASSERT_THAT(Run(video_, "/video.mp4"), IsOk());
    options_.save_motion.clear();
  }

  // The motion that SaveMotion writes, changed by `change`.
  template <typename Change>
  void SaveChanged(const Change& change) {
    SaveMotion();
    RecordedMotion motion = *ReadMotionFile(motion_);
    const RecordedMotion frames = motion;
    motion.keypoints.clear();
    motion.times.clear();
    motion.durations.clear();
    change(&motion);
    auto writer = *MotionFileWriter::Create(motion_, motion);
    const int64_t values = motion.frame_values();
    for (int64_t i = 0; i < 2; ++i) {
      writer.Add(&frames.keypoints[static_cast<size_t>(i * values)], i, 1);
    }
    ASSERT_THAT(writer.Finish(), IsOk());
  }

  void ExpectEqualFiles(const std::string& a, const std::string& b) {
    EXPECT_EQ(*ReadFile(folder_ + a), *ReadFile(folder_ + b)) << a << ", " << b;
  }

  const std::string still_ = folder_ + "/still.png";
  const std::string video_ = folder_ + "/driving.mp4";
  const std::string motion_ = folder_ + "/driving.motion.safetensors";
  const TrainedModel trained_ = NewModel(1);
  AnimatorOptions animator_options_;
  AnimateVideoOptions options_;
  std::unique_ptr<Animator> animator_;
};

// The file of the result is the same, frames and times; so are its frames in a
// folder, and the keypoints.
TEST_F(DrivingReaderTest, ReplaysAVideoToTheBit) {
  SaveMotion();
  ASSERT_THAT(Run(motion_, "/replayed.mp4"), IsOk());
  ExpectEqualFiles("/video.mp4", "/replayed.mp4");
  ASSERT_THAT(Run(video_, "/video"), IsOk());
  options_.save_motion = folder_ + "/again.safetensors";
  ASSERT_THAT(Run(motion_, "/replayed"), IsOk());
  for (const char* name : {"/000000.png", "/000003.png", "/000006.png"}) {
    ExpectEqualFiles(std::string("/video") + name,
                     std::string("/replayed") + name);
  }
  ExpectEqualFiles("/driving.motion.safetensors", "/again.safetensors");
}

// What looks ahead, and what depends on times.
TEST_F(DrivingReaderTest, ReplaysWithEveryOptionOfMotion) {
  animator_options_.transfer.mode = TransferMode::kRelative;
  animator_options_.smoothing.emplace();
  animator_ = *Animator::Create(trained_, torch::kCPU, animator_options_);
  options_.start = *ParseStartFrame("keypoints");
  options_.max_frames = 5;
  SaveMotion();
  const auto report = Run(motion_, "/replayed.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 5);
  ExpectEqualFiles("/video.mp4", "/replayed.mp4");
}

TEST_F(DrivingReaderTest, SaysWhereTheMotionIsFrom) {
  SaveMotion();
  const auto motion = ReadMotionFile(motion_);
  ASSERT_THAT(motion, IsOk());
  EXPECT_EQ(motion->num_frames(), 7);
  EXPECT_EQ(motion->picture_size, cv::Size(48, 32));
  EXPECT_EQ(motion->detector, animator_->DetectorFingerprint());
  const auto reader = DrivingReader::Open(motion_, {}, *animator_);
  ASSERT_THAT(reader, IsOk());
  EXPECT_FALSE((*reader)->has_pictures());
  EXPECT_FALSE((*reader)->info().has_audio);
  EXPECT_THAT((*reader)->warnings(), testing::IsEmpty());
  const cv::Mat first = media::CropAndResize(
      (*(*media::VideoReader::Open(video_))->Next())->rgb, {32, 32});
  const absl::StatusOr<std::optional<DrivingFrame>> frame = (*reader)->Next();
  ASSERT_THAT(frame, IsOk());
  EXPECT_THAT((*frame)->keypoints,
              TensorNear(animator_->DetectKeypoints({first})[0], 1e-6));
}

// A random model of the same shape finds other keypoints.
TEST_F(DrivingReaderTest, RefusesAnotherDetectorsMotionAndNamesBoth) {
  SaveMotion();
  const std::string here = animator_->DetectorFingerprint();
  animator_ = *Animator::Create(NewModel(2), torch::kCPU);
  EXPECT_THAT(
      Run(motion_, "/out.mp4"),
      StatusIs(
          StatusCode::kInvalidArgument,
          AllOf(HasSubstr(motion_), HasSubstr(here.substr(0, 16)),
                HasSubstr(animator_->DetectorFingerprint().substr(0, 16)))));
  EXPECT_FALSE(fs::exists(folder_ + "/out.mp4"));
}

TEST_F(DrivingReaderTest, RefusesOtherSets) {
  SaveMotion();
  animator_ =
      *Animator::Create(NewModel(1, {"model.num_transforms=3"}), torch::kCPU);
  EXPECT_THAT(Run(motion_, "/out.mp4"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("holds 2 keypoint sets of 5"),
                             HasSubstr("this model has 3 of 5"))));
}

// Keypoints from elsewhere are the user's own business.
TEST_F(DrivingReaderTest, WarnsWhereAFileNamesNoDetector) {
  SaveChanged([](RecordedMotion* motion) { motion->detector.clear(); });
  const auto report = Run(motion_, "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 2);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("which detector")));
}

// A picture of the frame that a video has gives the same frame.
TEST_F(DrivingReaderTest, TakesOnePictureForAPose) {
  const cv::Mat pose = Texture(48, 32, 4);
  ASSERT_THAT(media::WriteImage(folder_ + "/pose.png", pose), IsOk());
  const auto report = Run(folder_ + "/pose.png", "/out.png");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 1);
  const PreparedSource source =
      animator_->PrepareSource(*media::ReadImage(still_));
  const cv::Mat moved = animator_->Animate(source, {pose}).pictures[0];
  EXPECT_EQ(
      cv::norm(*media::ReadImage(folder_ + "/out.png"), moved, cv::NORM_INF),
      0);
  ASSERT_THAT(Run(folder_ + "/pose.png", "/folder"), IsOk());
  ExpectEqualFiles("/out.png", "/folder/000000.png");
  EXPECT_FALSE(fs::exists(folder_ + "/folder/000001.png"));
}

TEST_F(DrivingReaderTest, ShowsAPoseForASecondOfVideo) {
  ASSERT_THAT(media::WriteImage(folder_ + "/pose.png", Texture(48, 32, 4)),
              IsOk());
  options_.image_rate = {12, 1};
  options_.save_motion = motion_;
  const auto report = Run(folder_ + "/pose.png", "/video.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 12);
  EXPECT_THAT(report->warnings, Not(Contains(HasSubstr("--fps"))));
  const auto video = media::VideoReader::Open(folder_ + "/video.mp4");
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().num_frames, 12);
  EXPECT_EQ((*video)->info().duration, 1);
  // The motion file has the pose once, and is one, too.
  options_.save_motion.clear();
  EXPECT_EQ(ReadMotionFile(motion_)->num_frames(), 1);
  ASSERT_THAT(Run(motion_, "/replayed.mp4"), IsOk());
  ExpectEqualFiles("/video.mp4", "/replayed.mp4");
}

// The rate is a number in the file, which may be a hostile one.
TEST_F(DrivingReaderTest, ShowsAPoseOfAnAbsurdRateInFewFrames) {
  ASSERT_THAT(media::WriteImage(folder_ + "/pose.png", Texture(48, 32, 4)),
              IsOk());
  options_.image_rate = {2000000000, 1};
  options_.save_motion = motion_;
  ASSERT_THAT(Run(folder_ + "/pose.png", "/pose-moved.png"), IsOk());
  options_.save_motion.clear();
  ASSERT_EQ(ReadMotionFile(motion_)->frame_rate, options_.image_rate);
  const auto report = Run(motion_, "/video.gif");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, media::kMaxFrameRate);
}

TEST_F(DrivingReaderTest, SaysThatARateIsForImages) {
  SaveMotion();
  options_.image_rate = {12, 1};
  options_.overwrite = true;
  for (const std::string& driving : {video_, motion_}) {
    const auto report = Run(driving, "/out.mp4");
    ASSERT_THAT(report, IsOk());
    EXPECT_THAT(report->warnings,
                Contains(AllOf(HasSubstr(driving), HasSubstr("--fps"))));
  }
}

TEST_F(DrivingReaderTest, ShowsARawStreamAtTheRateOfTheOptions) {
  const std::string raw = folder_ + "/without_rate.hevc";
  media::WriteNumberedHevc(raw, {64, 64}, 7, /*stated_rate=*/{});
  const auto seconds = [&] {
    return *(*media::VideoReader::Open(folder_ + "/out.mp4"))->info().duration;
  };
  auto report = Run(raw, "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings,
              Contains(AllOf(HasSubstr(raw), HasSubstr("25 frames a second"),
                             HasSubstr("--fps states another"))));
  EXPECT_NEAR(seconds(), 7 / 25., 1e-3);
  options_.image_rate = {12, 1};
  options_.overwrite = true;
  report = Run(raw, "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings, Not(Contains(HasSubstr("--fps"))));
  EXPECT_NEAR(seconds(), 7 / 12., 1e-3);
}

TEST_F(DrivingReaderTest, SaysThatARawStreamMayStateARate) {
  const std::string raw = folder_ + "/with_rate.hevc";
  media::WriteNumberedHevc(raw, {64, 64}, 7, media::Rational{30, 1});
  auto report = Run(raw, "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings, Not(Contains(HasSubstr("--fps"))));
  options_.image_rate = {12, 1};
  options_.overwrite = true;
  report = Run(raw, "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings,
              Contains(AllOf(HasSubstr(raw), HasSubstr("has no effect"))));
}

// Relative to itself, a pose is none.
TEST_F(DrivingReaderTest, SaysThatRelativeModeMovesNothingByAPose) {
  animator_options_.transfer.mode = TransferMode::kRelative;
  animator_ = *Animator::Create(trained_, torch::kCPU, animator_options_);
  EXPECT_THAT(Run(still_, "/out.png"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(still_), HasSubstr("mode standard"))));
  EXPECT_FALSE(fs::exists(folder_ + "/out.png"));
}

TEST_F(DrivingReaderTest, WritesNoVideoIntoOnePicture) {
  EXPECT_THAT(Run(video_, "/out.jpg"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("out.jpg"), HasSubstr("gives 7"))));
  options_.max_frames = 1;
  EXPECT_THAT(Run(video_, "/out.jpg"), IsOk());
}

TEST_F(DrivingReaderTest, HasNoPicturesToShow) {
  SaveMotion();
  options_.panels = *ParsePanels("driving,result");
  EXPECT_THAT(Run(motion_, "/out.mp4"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(motion_), HasSubstr("'driving'"))));
}

// Instead of waiting for ever where it opens the pipe again.
TEST_F(DrivingReaderTest, RefusesAPipeWhereTheMotionIsReadTwice) {
  SaveMotion();
  const std::string pipe = folder_ + "/pipe.safetensors";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  options_.start = *ParseStartFrame("keypoints");
  std::thread feeder([&] {
    const std::ifstream motion(motion_, std::ios::binary);
    std::ofstream(pipe, std::ios::binary) << motion.rdbuf();
  });
  const auto report = Run(pipe, "/out.mp4");
  feeder.join();
  EXPECT_THAT(report, StatusIs(StatusCode::kInvalidArgument,
                               AllOf(HasSubstr(pipe), HasSubstr("is a pipe"))));
}

TEST_F(DrivingReaderTest, ReplacesNoMotionFileUnlessTold) {
  SaveMotion();
  options_.save_motion = motion_;
  EXPECT_THAT(Run(video_, "/out.mp4"),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(motion_)));
  options_.overwrite = true;
  EXPECT_THAT(Run(video_, "/out.mp4"), IsOk());
  EXPECT_THAT(Run(motion_, "/out.mp4"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(motion_)));
}

TEST_F(DrivingReaderTest, ShowsAPoseThatLastedLongForASecond) {
  SaveMotion();
  RecordedMotion head = *ReadMotionFile(motion_);
  const std::vector<float> keypoints = head.keypoints;
  head.keypoints.clear();
  head.times.clear();
  head.durations.clear();
  head.frame_rate = {30, 1};
  head.time_base = {1, 30000};
  auto writer = *MotionFileWriter::Create(motion_, head);
  writer.Add(keypoints.data(), 0, 30000);
  ASSERT_THAT(writer.Finish(), IsOk());
  const auto report = Run(motion_, "/pose.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 30);
  const auto video = media::VideoReader::Open(folder_ + "/pose.mp4");
  ASSERT_THAT(video, IsOk());
  EXPECT_NEAR(*(*video)->info().duration, 1, 0.05);
}

TEST_F(DrivingReaderTest, SaysThatSoundIsNotKept) {
  options_.save_motion = motion_;
  options_.allow_addresses = true;
  options_.max_frames = 2;
  const auto report =
      Run("lavfi:testsrc=size=48x32[out0];sine[out1]", "/out.mp4");
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings, Contains(HasSubstr("holds no sound")));
}

}  // namespace
}  // namespace pipelines
