// Animation from files to a file: what comes out, and what bad input does.
#include "pipelines/animation/animate_video.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/zero_phase_filter.h"
#include "networks/avd.h"
#include "networks/files/testing_full_disk.h"
#include "networks/testing/stand_in_device.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/animation/animate_test_util.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/npy.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/pretrained/pretrained.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::keypoints::TransferMode;
using ::networks::test_util::AllNear;
using ::networks::test_util::TensorNear;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(AnimateTest, ShowsWhatTheModelMadeInTheAspectThatItSaw) {
  options_.paste_back = true;
  options_.panels = *ParsePanels("keypoints");
  WriteStill(80, 40);  // of which the model sees 40x40
  WriteDriving(1);
  ASSERT_THAT(RunTo("frames"), IsOk());
  const cv::Mat frame = *media::ReadImage(Path("frames/000000.png"));
  ASSERT_EQ(frame.size(), cv::Size(80, 40));
  EXPECT_EQ(cv::norm(frame.colRange(0, 18), cv::NORM_INF), 0);
}

TEST_F(AnimateTest, IsStoppedBeforeASourceCamerasFirstFrame) {
  options_.allow_addresses = true;
  options_.hooks.stop = [] { return true; };
  EXPECT_EQ(AnimateVideo(*animator_, "lavfi:testsrc=size=48x48",
                         WriteDriving(1), Path("out.mp4"), options_)
                .status(),
            StoppedError());
}

TEST_F(AnimateTest, KeepsFrameCountAndExactRate) {
  // 7 frames are no multiple of the batch.
  const auto report = Run(WriteStill(), WriteDriving(7, {30000, 1001}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 7);
  const auto video = media::VideoReader::Open(Path("out.mp4"));
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().width, 32);
  EXPECT_EQ((*video)->info().frame_rate.num, 30000);
  EXPECT_EQ((*video)->info().frame_rate.den, 1001);
  EXPECT_EQ(*media::CountFrames(Path("out.mp4")), 7);
}

TEST_F(AnimateTest, HandsOutEachFrameThatItWrites) {
  std::vector<cv::Mat> frames;
  options_.frame_written = [&](int64_t index, const cv::Mat& frame) {
    EXPECT_EQ(index, static_cast<int64_t>(frames.size()));
    frames.push_back(frame.clone());
  };
  WriteStill();
  WriteDriving(3);
  ASSERT_THAT(RunTo("frames"), IsOk());
  ASSERT_EQ(frames.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const cv::Mat written =
        *media::ReadImage(Path(absl::StrCat("frames/00000", i, ".png")));
    EXPECT_EQ(cv::norm(written, frames[static_cast<size_t>(i)], cv::NORM_INF),
              0);
  }
}

TEST_F(AnimateTest, ShowsSourceAndDrivingBesideTheResult) {
  options_.panels = *ParsePanels("source,driving,result");
  ASSERT_THAT(Run(WriteStill(), WriteDriving(2)), IsOk());
  const auto video = media::VideoReader::Open(Path("out.mp4"));
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().width, 96);
}

TEST_F(AnimateTest, TakesAOneFrameVideoAOnePixelStillAndAnyAspect) {
  EXPECT_THAT(Run(WriteStill(1, 1), WriteDriving(1)), IsOk());
  EXPECT_THAT(Run(WriteStill(17, 90), WriteDriving(1)), IsOk());
}

// To the bit, alone on one thread, and in every place of batches of 2 to 9 on
// one and two threads. On three, in the largest and in one of an even size.
TEST_F(AnimateTest, AFrameDoesNotDependOnItsBatchOrTheThreads) {
  constexpr int kFrames = 9;
  std::vector<cv::Mat> driving;
  for (int i = 0; i < kFrames; ++i) driving.push_back(Texture(32, 32, i));
  for (const Precision precision :
       {Precision::kFloat32, Precision::kBfloat16}) {
    AnimatorOptions options;
    options.precision = precision;
    const auto animator = *Animator::Create(trained_, torch::kCPU, options);
    const PreparedSource source = animator->PrepareSource(Texture(32, 32, 1));
    std::vector<cv::Mat> alone;
    for (const cv::Mat& frame : driving) {
      alone.push_back(animator->Animate(source, {frame}).pictures[0]);
    }
    for (const int threads : {1, 2, 3}) {
      torch::set_num_threads(threads);
      const int step = threads == 3 ? 5 : 1;
      for (int begin = 0; begin < kFrames; begin += step) {
        const std::vector<cv::Mat> together =
            animator
                ->Animate(source, std::vector<cv::Mat>(driving.begin() + begin,
                                                       driving.end()))
                .pictures;
        for (int i = begin; i < kFrames; ++i) {
          EXPECT_EQ(cv::norm(alone[i], together[i - begin], cv::NORM_INF), 0)
              << PrecisionName(precision) << ", frame " << i
              << " of a batch of " << kFrames - begin << ", " << threads
              << " threads";
        }
      }
    }
    torch::set_num_threads(1);
  }
}

TEST_F(AnimateTest, ChoosesThePrecisionByTheProcessorAlone) {
  const auto animator = *Animator::Create(trained_, torch::kCPU);
  EXPECT_EQ(animator->precision(),
            ChoosePrecision(Precision::kAuto, /*on_cpu=*/true));
}

struct BadFile {
  const char* what;
  const char* name;
  std::string content;
};

class AnimateBadFileTest : public AnimateTest,
                           public testing::WithParamInterface<BadFile> {};

// As source and as driving video alike: an error with the file's name, and no
// output.
TEST_P(AnimateBadFileTest, IsNamedAndNothingIsWritten) {
  const std::string bad = Path(GetParam().name);
  std::ofstream(bad, std::ios::binary) << GetParam().content;
  EXPECT_THAT(Run(bad, WriteDriving(2)).status().message(), HasSubstr(bad));
  EXPECT_THAT(Run(WriteStill(), bad).status().message(), HasSubstr(bad));
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AnimateBadFileTest,
    testing::Values(BadFile{"Empty", "empty.mp4", ""},
                    BadFile{"Text", "text.png", "this is no picture at all"},
                    BadFile{"PngHeaderOnly", "header.png",
                            std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)}),
    [](const auto& info) { return info.param.what; });

TEST_F(AnimateTest, NamesMissingFiles) {
  EXPECT_THAT(Run(Path("no.png"), WriteDriving(2)),
              StatusIs(StatusCode::kNotFound, HasSubstr("no.png")));
  EXPECT_THAT(Run(WriteStill(), Path("no.mp4")),
              StatusIs(StatusCode::kNotFound, HasSubstr("no.mp4")));
}

TEST_F(AnimateTest, SaysWhereSourceAndDrivingAreExchanged) {
  AnimatorOptions options;
  options.transfer.mode = TransferMode::kRelative;
  animator_ = *Animator::Create(trained_, torch::kCPU, options);
  const std::string still = WriteStill(), video = WriteDriving(2);
  EXPECT_THAT(
      Run(video, still),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr(still + ": is one pose"),
                     HasSubstr("use mode standard or avd, or exchange source "
                               "and driving: " +
                               video + " has several frames"))));
  options_.pose_advice = "do this";
  EXPECT_THAT(Run(still, still),
              StatusIs(StatusCode::kInvalidArgument,
                       testing::EndsWith("nothing would move; do this")));
}

TEST_F(AnimateTest, ATruncatedVideoIsAnErrorAndNoShorterVideo) {
  const std::string driving = WriteDriving(20);
  fs::resize_file(driving, fs::file_size(driving) * 2 / 3);
  const auto report = Run(WriteStill(), driving);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.status().message(), HasSubstr(driving));
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
}

// As allowed: what can be read is animated, and what was lost is said.
TEST_F(AnimateTest, SaysWhatATruncatedVideoLost) {
  const std::string driving = WriteDriving(60);
  fs::resize_file(driving, fs::file_size(driving) * 2 / 3);
  options_.allow_damaged = true;
  const auto report = Run(WriteStill(), driving);
  ASSERT_THAT(report, IsOk());
  EXPECT_LT(report->frames, 60);
  EXPECT_THAT(report->damage,
              HasSubstr(absl::StrCat(60 - report->frames, " of 60 frames")));
  EXPECT_EQ(*media::CountFrames(Path("out.mp4")), report->frames);
}

TEST_F(AnimateTest, AVideoDamagedInItsMiddleIsAnErrorUnlessAllowed) {
  const std::string driving = WriteDriving(60);
  {
    std::fstream file(driving, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(fs::file_size(driving)) / 2);
    file << std::string(600, '\0');
  }
  options_.damage_advice = "do this";
  const auto strict = Run(WriteStill(), driving);
  EXPECT_THAT(strict,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(driving),
                             HasSubstr("the file should have 60); do this"))));
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
  options_.allow_damaged = true;
  const auto lenient = Run(WriteStill(), driving);
  ASSERT_THAT(lenient, IsOk());
  EXPECT_THAT(lenient->damage, HasSubstr("the first after frame "));
}

TEST_F(AnimateTest, ReportsAFullDiskAndKeepsWhatWasThere) {
  std::ofstream(Path("out.mp4")) << "old";
  const std::string still = WriteStill(), driving = WriteDriving(40);
  absl::Status status;
  {
    const networks::files::FullDisk disk(2000);
    status = Run(still, driving).status();
  }
  EXPECT_THAT(status,
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("out.mp4")));
  EXPECT_EQ(fs::file_size(Path("out.mp4")), 3u);
}

TEST_F(AnimateTest, ReplacesNothingUnlessTold) {
  options_.overwrite = false;
  const std::string still = WriteStill(), driving = WriteDriving(1);
  for (const char* name : {"out.mp4", "keypoints.npy", "deformation.npy"}) {
    std::ofstream(Path(name)) << "precious";
    options_.save_keypoints = Path("keypoints.npy");
    options_.save_deformation = Path("deformation.npy");
    EXPECT_THAT(Run(still, driving),
                StatusIs(StatusCode::kAlreadyExists, HasSubstr(name)));
    EXPECT_EQ(fs::file_size(Path(name)), 8u);
    fs::remove(Path(name));
  }
  EXPECT_THAT(Run(still, driving), IsOk());
}

// Each of these replaced what it should only read, or ended in "No such file"
// after all the work.
TEST_F(AnimateTest, NeverReplacesAnInputNorOneOutputByAnother) {
  const std::string still = WriteStill(), driving = WriteDriving(1);
  const auto refuses = [&](const std::string& output) {
    const auto report =
        AnimateVideo(*animator_, still, driving, output, options_);
    EXPECT_EQ(report.status().code(), StatusCode::kInvalidArgument)
        << report.status();
    EXPECT_EQ(report.status().message().rfind(folder_, 0), 0u);
  };
  refuses(driving);
  options_.save_keypoints = still;
  refuses(Path("out.mp4"));
  options_.save_keypoints = options_.save_deformation = Path("same.npy");
  refuses(Path("out.mp4"));
  options_.save_keypoints = Path("out.mp4");
  refuses(Path("out.mp4"));
  options_.save_keypoints = Path("weights");
  std::ofstream(Path("weights")) << "weights";
  options_.other_inputs = {Path("weights")};
  refuses(Path("out.mp4"));
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
  EXPECT_THAT(media::ReadImage(still), IsOk());
  EXPECT_EQ(*media::CountFrames(driving), 1);
}

// /proc is read-only whoever asks; even root may not write there.
TEST_F(AnimateTest, NamesAReadOnlyFolder) {
  const auto report = AnimateVideo(*animator_, WriteStill(), WriteDriving(2),
                                   "/proc/out.mp4", options_);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.status().message(), HasSubstr("/proc/out.mp4"));
}

TEST_F(AnimateTest, MakesTheFoldersOfItsOutputs) {
  WriteStill();
  WriteDriving(1);
  options_.save_keypoints = Path("numbers/k.npy");
  ASSERT_THAT(RunTo("out dir/deep/x.mp4"), IsOk());
  EXPECT_TRUE(fs::exists(Path("out dir/deep/x.mp4")));
  ASSERT_THAT(RunTo("more/deep/frames"), IsOk());
  EXPECT_TRUE(fs::exists(Path("more/deep/frames/000000.png")));
  EXPECT_TRUE(fs::exists(Path("numbers/k.npy")));
  // Not where there is nothing to write.
  fs::remove(Path("driving.mp4"));
  EXPECT_FALSE(RunTo("none/x.mp4").ok());
  EXPECT_FALSE(fs::exists(Path("none")));
}

TEST_F(AnimateTest, TakesNamesWithSpacesAndOtherAlphabets) {
  const std::string still = Path("mein Bild ä.png");
  fs::rename(WriteStill(), still);
  const std::string driving = Path("танец 舞.mp4");
  fs::rename(WriteDriving(2), driving);
  const std::string output = Path("résultat final.mp4");
  EXPECT_THAT(AnimateVideo(*animator_, still, driving, output, options_),
              IsOk());
  EXPECT_EQ(*media::CountFrames(output), 2);
}

TEST_F(AnimateTest, AnimatesAn8kStill) {
  EXPECT_THAT(Run(WriteStill(7680, 4320), WriteDriving(1)), IsOk());
}

TEST_F(AnimateTest, WritesGifsWebmAndFoldersOfImages) {
  WriteStill();
  WriteDriving(3);
  for (const char* name : {"out.gif", "out.webm", "frames"}) {
    ASSERT_THAT(RunTo(name), IsOk()) << name;
    auto frames = media::OpenFrameSource(Path(name));
    ASSERT_THAT(frames, IsOk());
    EXPECT_EQ((*frames)->info().width, 32) << name;
  }
  EXPECT_THAT(RunTo("out.xyz"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("out.xyz")));
  EXPECT_THAT(RunTo("frames"),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("frames")));
}

TEST_F(AnimateTest, SaysThatItIsSynthetic) {
  ASSERT_THAT(Run(WriteStill(), WriteDriving(1)), IsOk());
  EXPECT_THAT(Contents("out.mp4"), HasSubstr("Synthetic"));
}

TEST_F(AnimateTest, HasTheSizeAskedFor) {
  const std::string still = WriteStill(60, 40), driving = WriteDriving(1);
  const auto size = [&] {
    EXPECT_THAT(Run(still, driving), IsOk());
    const auto video = media::VideoReader::Open(Path("out.mp4"));
    return cv::Size((*video)->info().width, (*video)->info().height);
  };
  options_.min_output_side = 90;
  EXPECT_EQ(size(), cv::Size(96, 96));
  options_.size = {0, 80};
  EXPECT_EQ(size(), cv::Size(80, 80));
  options_.size = {64, 48};
  EXPECT_EQ(size(), cv::Size(64, 48));
  options_.size = {};
  options_.min_output_side = 0;
  options_.source_crop = CropMode::kNone;  // 60x40, its short side 32
  EXPECT_EQ(size(), cv::Size(48, 32));
  options_.paste_back = true;
  EXPECT_EQ(size(), cv::Size(60, 40));
}

TEST_F(AnimateTest, PastesTheCropBackIntoAnUntouchedPicture) {
  options_.paste_back = true;
  const cv::Mat source = *media::ReadImage(WriteStill(80, 40));
  WriteDriving(2);
  ASSERT_THAT(RunTo("frames"), IsOk());
  const cv::Mat frame = *media::ReadImage(Path("frames/000001.png"));
  ASSERT_EQ(frame.size(), source.size());
  const cv::Rect left(0, 0, 20, 40), middle(30, 10, 20, 20);
  EXPECT_EQ(cv::norm(frame(left), source(left), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(frame(middle), source(middle), cv::NORM_INF), 20);
}

TEST_F(AnimateTest, ShowsEveryPanelInAGrid) {
  options_.panels =
      *ParsePanels("source,driving,result,keypoints,flow,occlusion,grid");
  WriteStill();
  WriteDriving(2);
  ASSERT_THAT(RunTo("frames"), IsOk());
  const cv::Mat frame = *media::ReadImage(Path("frames/000001.png"));
  EXPECT_EQ(frame.size(), cv::Size(96, 96));  // seven tiles, three a row
  const auto tile = [&](int i) {
    return frame({i % 3 * 32, i / 3 * 32, 32, 32});
  };
  for (int i = 0; i < 7; ++i) {
    for (int j = 0; j < i; ++j) {
      EXPECT_GT(cv::norm(tile(i), tile(j), cv::NORM_INF), 5) << i << j;
    }
  }
}

// What AnimateVideo makes of a video is compared with what the animator makes
// of its frames. The batches differ: sums of float32 in another order, where
// the processor has no AVX2.
constexpr double kBatchTol = 1e-6;

// The numbers of the files that a run saves.
class SavedNumbersTest : public AnimateTest {
 protected:
  void SetUp() override {
    AnimateTest::SetUp();
    options_.save_keypoints = Path("keypoints.npy");
    options_.save_deformation = Path("deformation.npy");
  }

  // Animates a still by `frames` at 50 a second, twice the rate that the
  // animator takes where it knows no times.
  void RunWith(const AnimatorOptions& options, int frames) {
    animator_ = *Animator::Create(trained_, torch::kCPU, options);
    const std::string still = WriteStill();
    ASSERT_THAT(Run(still, WriteDriving(frames, {50, 1})), IsOk());
    source_ = animator_->PrepareSource(*media::ReadImage(still));
    driving_.clear();
    seconds_.clear();
    auto video = *media::VideoReader::Open(Path("driving.mp4"));
    for (int i = 0; i < frames; ++i) {
      driving_.push_back((*video->Next())->rgb);
      seconds_.push_back(i / 50.0);
    }
    animator_->BeginDriving();
  }

  static torch::Tensor Saved(const std::string& path) {
    const media::NpyArray array = *media::ReadNpy(path);
    return torch::tensor(array.values, torch::kFloat64).reshape(array.shape);
  }

  PreparedSource source_;
  std::vector<cv::Mat> driving_;
  std::vector<double> seconds_;
};

// Keypoints are those of the driving video, not those that the source takes.
TEST_F(SavedNumbersTest, AreTheDrivingKeypointsAndTheDeformation) {
  AnimatorOptions options;
  options.transfer.mode = TransferMode::kRelative;
  RunWith(options, /*frames=*/6);
  const FrameMotion motion = animator_->Animate(source_, driving_).motion;
  EXPECT_EQ(motion.driving_keypoints.sizes(), torch::IntArrayRef({6, 10, 2}));
  EXPECT_FALSE(AllNear(motion.keypoints, motion.driving_keypoints, kBatchTol));
  EXPECT_THAT(Saved(options_.save_keypoints),
              TensorNear(motion.driving_keypoints, kBatchTol));
  EXPECT_THAT(Saved(options_.save_deformation),
              TensorNear(motion.source_from_driving, kBatchTol));
}

// Both filters, in batches of two.
TEST_F(SavedNumbersTest, FollowKeypointsThatAreSmoothedByTheirTimes) {
  options_.batch_size = 2;
  for (const bool is_causal : {false, true}) {
    AnimatorOptions options;
    if (is_causal) {
      options.smoothing.emplace();
    } else {
      options_.zero_phase.emplace();
    }
    RunWith(options, /*frames=*/5);
    const torch::Tensor detected = animator_->DetectKeypoints(driving_);
    const torch::Tensor followed = animator_->Follow(
        is_causal ? detected
                  : keypoints::SmoothZeroPhase(detected, seconds_,
                                               *options_.zero_phase),
        seconds_);
    const auto deformation = [this](const torch::Tensor& keypoints) {
      return animator_->MoveTo(source_, keypoints).motion.source_from_driving;
    };
    EXPECT_THAT(Saved(options_.save_keypoints),
                TensorNear(detected, kBatchTol));
    EXPECT_THAT(Saved(options_.save_deformation),
                TensorNear(deformation(followed), kBatchTol));
    EXPECT_FALSE(
        AllNear(deformation(detected), deformation(followed), kBatchTol));
    options_.zero_phase.reset();
  }
}

// On a GPU; panels and numbers are copied for a whole batch, too.
TEST_F(AnimateTest, WaitsForTheDeviceAsOftenForManyFramesOfABatchAsForFew) {
  const torch::Device device = networks::test_util::StandInDevice();
  trained_.model->to(device);
  animator_ = *Animator::Create(trained_, device);
  options_.panels = {Panel::kKeypoints, Panel::kOcclusion, Panel::kSets};
  options_.save_deformation = Path("deformation.npy");
  const auto waits = [&](int frames) {
    options_.batch_size = frames;
    const std::string driving = WriteDriving(frames);
    networks::test_util::TakeWaits();
    EXPECT_THAT(Run(WriteStill(), driving), IsOk());
    return networks::test_util::TakeWaits().size();
  };
  const size_t of_two = waits(2);
  EXPECT_GT(of_two, 0u);
  EXPECT_EQ(waits(8), of_two);
}

TEST_F(AnimateTest, StartsFromTheFrameAskedFor) {
  const std::string still = WriteStill(), driving = WriteDriving(6);
  options_.start = *ParseStartFrame("4");
  auto report = Run(still, driving);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->start_frame, 4);
  EXPECT_EQ(report->frames, 6);  // in both directions
  options_.start = *ParseStartFrame("6");
  EXPECT_THAT(Run(still, driving),
              StatusIs(StatusCode::kOutOfRange, HasSubstr("6 frames")));
  EXPECT_FALSE(ParseStartFrame("best").ok());
}

// Whatever smooths the motion. One frame at a time, so that its bits depend on
// itself alone.
TEST_F(AnimateTest, LeavesTheSourceAtRestInTheFrameThatItStartsFrom) {
  const std::string still = WriteStill(), driving = WriteDriving(6);
  options_.batch_size = 1;
  std::vector<cv::Mat> frames;
  options_.frame_written = [&frames](int64_t, const cv::Mat& frame) {
    frames.push_back(frame.clone());
  };
  for (const char* smoothing : {"none", "causal", "zero_phase"}) {
    AnimatorOptions options;
    options.transfer.mode = TransferMode::kRelative;
    if (smoothing == std::string("causal")) options.smoothing.emplace();
    options_.zero_phase.reset();
    if (smoothing == std::string("zero_phase")) options_.zero_phase.emplace();
    animator_ = *Animator::Create(trained_, torch::kCPU, options);
    frames.clear();
    for (const char* start : {"0", "4"}) {
      options_.start = *ParseStartFrame(start);
      ASSERT_THAT(Run(still, driving), IsOk());
    }
    ASSERT_EQ(frames.size(), 12u);
    const auto difference = [&frames](size_t a, size_t b) {
      return cv::norm(frames[a], frames[b], cv::NORM_INF);
    };
    EXPECT_EQ(difference(0, 6 + 4), 0) << smoothing;
    EXPECT_GT(difference(0, 6 + 0), 0) << smoothing;
    EXPECT_GT(difference(0, 4), 0) << smoothing;
  }
}

// The source is one of the driving frames: it is the most like itself.
TEST_F(AnimateTest, FindsTheDrivingFrameThatIsMostLikeTheSource) {
  fs::create_directory(Path("driving"));
  for (int i = 0; i < 6; ++i) {
    ASSERT_THAT(media::WriteImage(absl::StrCat(Path("driving/"), i, ".png"),
                                  Texture(32, 32, i)),
                IsOk());
  }
  for (const char* by : {"keypoints", "alignment"}) {
    options_.start = *ParseStartFrame(by);
    const auto report = Run(Path("driving/3.png"), Path("driving"));
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->start_frame, 3) << by;
  }
}

TEST_F(AnimateTest, AnimatesEveryFrameOfASourceVideo) {
  const std::string driving = WriteDriving(5);
  options_.animate_source_video = true;
  fs::copy_file(driving, Path("source.mp4"));
  auto report = Run(Path("source.mp4"), driving);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 5);
  // A still is a video of one frame, with which the shorter one ends.
  report = Run(WriteStill(), driving);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 1);
  EXPECT_THAT(report->warnings,
              testing::Contains(HasSubstr("ends after 1 frame, before")));
  options_.animate_source_video = false;
  options_.source_frame = 9;
  EXPECT_THAT(Run(driving, driving),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("has no frame 9 to animate; it has 5")));
}

TEST_F(AnimateTest, AnimatesByACameraUntilItEnds) {
  WriteStill();
  options_.allow_addresses = true;
  const auto report =
      AnimateVideo(*animator_, Path("still.png"),
                   "lavfi:testsrc=size=64x48:rate=20:duration=0.5,realtime",
                   Path("out.mp4"), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_GE(report->frames, 1);
  EXPECT_LE(report->frames, 10);
  options_.start = *ParseStartFrame("keypoints");
  EXPECT_THAT(AnimateVideo(*animator_, Path("still.png"), "lavfi:testsrc",
                           Path("out.mp4"), options_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("camera")));
}

// As in a server: each job has hooks and an animator of its own. The second one
// is in the middle while the first one ends.
TEST_F(AnimateTest, StopsOneOfTwoJobsThatRunInOneProcess) {
  constexpr int kFrames = 40;
  constexpr std::chrono::seconds kLong(60);
  const std::string still = WriteStill(), driving = WriteDriving(kFrames);
  std::promise<void> second_runs, first_ended;
  absl::StatusOr<AnimateVideoReport> second;
  std::thread thread([&] {
    AnimateVideoOptions options = options_;
    options.hooks.progress = [&](const WorkProgress& now) {
      if (now.done != 1) return;
      second_runs.set_value();
      first_ended.get_future().wait_for(kLong);
    };
    second = AnimateVideo(**Animator::Create(trained_, torch::kCPU), still,
                          driving, Path("second.mp4"), options);
  });
  EXPECT_EQ(second_runs.get_future().wait_for(kLong),
            std::future_status::ready);
  std::atomic<bool> stop = false;
  options_.hooks.stop = [&] { return stop.load(); };
  options_.hooks.progress = [&](const WorkProgress& now) {
    EXPECT_EQ(now.total, kFrames);
    stop = now.done > 0;
  };
  options_.save_keypoints = Path("keypoints.npy");
  const auto first =
      AnimateVideo(*animator_, still, driving, Path("first.mp4"), options_);
  first_ended.set_value();
  thread.join();
  EXPECT_EQ(first.status(), StoppedError());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(*media::CountFrames(Path("second.mp4")), kFrames);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names,
              testing::ElementsAre("driving.mp4", "second.mp4", "still.png"));
}

TEST_F(AnimateTest, StopsWhileItLooksForTheStart) {
  options_.start = *ParseStartFrame("keypoints");
  int asked = 0;
  options_.hooks.stop = [&] { return ++asked == 3; };
  EXPECT_EQ(Run(WriteStill(), WriteDriving(20)).status(), StoppedError());
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
}

// What a camera has shown so far is kept.
TEST_F(AnimateTest, ACameraEndsWhereItIsStopped) {
  options_.allow_addresses = true;
  std::atomic<int64_t> done = 0;
  options_.hooks.progress = [&](const WorkProgress& now) { done = now.done; };
  options_.hooks.stop = [&] { return done > 0; };
  const auto report = AnimateVideo(*animator_, WriteStill(),
                                   "lavfi:testsrc=size=64x48,realtime",
                                   Path("out.mp4"), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(*media::CountFrames(Path("out.mp4")), report->frames);
  options_.hooks.stop = [] { return true; };
  EXPECT_EQ(AnimateVideo(*animator_, Path("still.png"), "lavfi:testsrc",
                         Path("none.mp4"), options_)
                .status(),
            StoppedError());
}

TEST_F(AnimateTest, EndsAfterSoManyFrames) {
  options_.max_frames = 3;
  const auto report = Run(WriteStill(), WriteDriving(8));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 3);
}

// Frames that are dropped, as far more come than can be animated, are none.
TEST_F(AnimateTest, EndsAfterSoManyFramesOfACamera) {
  options_.allow_addresses = true;
  options_.max_frames = 3;
  const auto report = AnimateVideo(
      *animator_, WriteStill(), "lavfi:testsrc=size=64x48:rate=2000,realtime",
      Path("out.mp4"), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 3);
}

TEST(AnimatorOptions, MustFitTheModel) {
  const Config config = *TinyConfig();  // two keypoint sets
  auto model = *AnimationModel::Create(config.model());
  AnimatorOptions options;
  options.transfer.motion_scale = {1, 1, 1};
  EXPECT_THAT(
      Animator::Create({config, model}, torch::kCPU, options),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("2 keypoint sets")));
  options.transfer.motion_scale = {3};
  EXPECT_THAT(Animator::Create({config, model}, torch::kCPU, options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0 to 2")));
}

// A checkpoint of the original does not say its size.
TEST_F(AnimateTest, SeesFramesAtTheSizeThatIsAskedFor) {
  AnimatorOptions options;
  options.model_size = FrameSize{64, 32};
  const auto animator = Animator::Create(trained_, torch::kCPU, options);
  ASSERT_THAT(animator, IsOk());
  const PreparedSource source = (*animator)->PrepareSource(Texture(90, 50, 1));
  EXPECT_EQ(
      (*animator)->Animate(source, {Texture(90, 50, 2)}).pictures[0].size(),
      cv::Size(64, 32));
  options.model_size = FrameSize{100, 32};
  EXPECT_THAT(Animator::Create(trained_, torch::kCPU, options),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("the model's size of frames: data.width is "
                                 "100; use a multiple of 32")));
}

// By which the same weights make another frame; back again, the same.
TEST_F(AnimateTest, MovesByTheMotionModelThatIsAskedFor) {
  const auto frame = [this](const std::string& motion) {
    AnimatorOptions options;
    options.transfer.mode = TransferMode::kStandard;
    options.motion = *ParseMotion(motion);
    const auto animator = Animator::Create(trained_, torch::kCPU, options);
    EXPECT_THAT(animator, IsOk()) << motion;
    EXPECT_TRUE(absl::StartsWith(motion, (*animator)->motion_name()));
    const PreparedSource source =
        (*animator)->PrepareSource(Texture(32, 32, 1));
    return (*animator)
        ->Animate(source, {Texture(32, 32, 2)})
        .motion.source_from_driving;
  };
  const torch::Tensor cpab = frame("cpab");
  for (const std::string& motion : MotionNames()) {
    const torch::Tensor moved = frame(motion);
    EXPECT_TRUE(moved.isfinite().all().item<bool>()) << motion;
    EXPECT_EQ(torch::equal(moved, cpab), motion == "cpab") << motion;
  }
  EXPECT_FALSE(torch::equal(frame("cpab { cells_x: 2 cells_y: 2 }"), cpab));
}

TEST_F(AnimateTest, AvdModeNeedsItsNetwork) {
  AnimatorOptions options;
  options.transfer.mode = TransferMode::kAvd;
  EXPECT_THAT(Animator::Create(trained_, torch::kCPU, options),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("needs a checkpoint with an AVD network")));
  networks::AvdOptions sizes;
  sizes.num_transforms = trained_.config.model().num_transforms();
  trained_.avd = networks::AvdNetwork(sizes);
  trained_.avd->eval();
  const auto animator = Animator::Create(trained_, torch::kCPU, options);
  ASSERT_THAT(animator, IsOk());
  const PreparedSource source = (*animator)->PrepareSource(Texture(32, 32, 1));
  const FrameMotion motion =
      (*animator)
          ->Animate(source, {Texture(32, 32, 2), Texture(32, 32, 3)})
          .motion;
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::allclose(motion.keypoints,
                              trained_.avd(source.keypoints.expand({2, -1, -1}),
                                           motion.driving_keypoints)));
}

TEST_F(AnimateTest, Bfloat16IsNearFloat32) {
  const std::vector<cv::Mat> driving = {Texture(32, 32, 1), Texture(32, 32, 2)};
  AnimatorOptions options;
  options.precision = Precision::kFloat32;
  const auto in_float32 = *Animator::Create(trained_, torch::kCPU, options);
  const PreparedSource source = in_float32->PrepareSource(Texture(32, 32, 3));
  const std::vector<cv::Mat> exact =
      in_float32->Animate(source, driving).pictures;
  options.precision = Precision::kBfloat16;
  const auto animator = *Animator::Create(trained_, torch::kCPU, options);
  EXPECT_EQ(animator->precision(), Precision::kBfloat16);
  const std::vector<cv::Mat> rough =
      animator->Animate(source, driving).pictures;
  // A product of two factors of 8 bits is off by 2^-8 of its size at most, and
  // so is a layer's output of size 1, after normalisation; through some 20
  // layers of independent errors, 20^(1/2) 2^-8 = 0.017. The last convolution
  // and the sigmoid, whose slope is 1/4, make that 1.1 of 255, and the largest
  // of 6000 values is some four times that. Twice as much for a last
  // convolution that enlarges.
  constexpr double kBound = 9;
  for (size_t i = 0; i < driving.size(); ++i) {
    EXPECT_LE(cv::norm(exact[i], rough[i], cv::NORM_INF), kBound) << i;
    EXPECT_GT(cv::norm(exact[i], rough[i], cv::NORM_INF), 0) << i;
  }
}

// The README says 1 of 255 for this checkpoint; processors round in other
// places.
TEST(Animator, Bfloat16IsWithinTwoLevelsForTheShippedCheckpoint) {
  const cv::Mat still = *media::ReadImage(ExampleSource());
  auto video = *media::OpenFrameSource(ExampleDriving());
  std::vector<cv::Mat> driving;
  // Two poses that are not the start's. Each frame takes seconds.
  for (int i = 0; i < 24; ++i) {
    const auto frame = *video->Next();
    if (i % 12 == 11) driving.push_back(frame->rgb);
  }
  const auto animate = [&](Precision precision) {
    AnimatorOptions options;
    options.precision = precision;
    const auto animator =
        *Animator::Load(PretrainedCheckpoint(), torch::kCPU, options);
    return animator->Animate(animator->PrepareSource(still), driving).pictures;
  };
  const std::vector<cv::Mat> exact = animate(Precision::kFloat32);
  const std::vector<cv::Mat> rough = animate(Precision::kBfloat16);
  for (size_t i = 0; i < driving.size(); ++i) {
    EXPECT_LE(cv::norm(exact[i], rough[i], cv::NORM_INF), 2) << i;
  }
}

TEST_F(AnimateTest, SmoothingCalmsTheFrames) {
  // Two poses in turn: with smoothing the second frame is nearer to the first.
  const std::vector<cv::Mat> driving = {Texture(32, 32, 1), Texture(32, 32, 2)};
  const PreparedSource source = animator_->PrepareSource(Texture(32, 32, 3));
  const FrameMotion rough = animator_->Animate(source, driving).motion;
  AnimatorOptions options;
  options.transfer.mode = TransferMode::kRelative;
  options.smoothing.emplace();
  const auto smooth = *Animator::Create(trained_, torch::kCPU, options);
  const FrameMotion calm = smooth->Animate(source, driving).motion;
  const auto step = [](const torch::Tensor& keypoints) {
    return (keypoints[1] - keypoints[0]).norm().item<double>();
  };
  EXPECT_TRUE(torch::equal(calm.driving_keypoints, rough.driving_keypoints));
  EXPECT_LT(step(calm.keypoints), step(calm.driving_keypoints));
}

}  // namespace
}  // namespace pipelines
