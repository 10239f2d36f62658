// Animation from files to a file: what comes out, and what bad input does.
#include <torch/torch.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/animate_video.h"
#include "pipelines/data/image_io.h"
#include "pipelines/data/video_reader.h"
#include "pipelines/data/video_writer.h"
#include "pipelines/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

cv::Mat Texture(int width, int height, int seed) {
  cv::Mat small((height + 7) / 8, (width + 7) / 8, CV_8UC3), image;
  cv::RNG(seed).fill(small, cv::RNG::UNIFORM, 0, 256);
  cv::resize(small, image, {width, height}, 0, 0, cv::INTER_CUBIC);
  return image;
}

class AnimateTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    folder_ = testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    torch::manual_seed(1);
    const Config config = *TinyConfig();
    auto model = *AnimationModel::Create(config.model());
    model->eval();
    animator_ = std::make_unique<Animator>(TrainedModel{config, model},
                                           torch::kCPU, AnimatorOptions());
  }

  std::string Path(const std::string& name) { return folder_ + "/" + name; }

  std::string WriteStill(int width = 40, int height = 40) {
    EXPECT_THAT(data::WriteImage(Path("still.png"), Texture(width, height, 1)),
                IsOk());
    return Path("still.png");
  }

  std::string WriteDriving(int frames, data::Rational rate = {25, 1}) {
    data::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.frame_rate = rate;
    auto writer = *data::VideoWriter::Create(Path("driving.mp4"), options);
    for (int i = 0; i < frames; ++i) {
      EXPECT_THAT(writer->Write(Texture(48, 32, i)), IsOk());
    }
    EXPECT_THAT(writer->Finish(), IsOk());
    return Path("driving.mp4");
  }

  absl::StatusOr<AnimateVideoReport> Run(const std::string& source,
                                         const std::string& driving,
                                         bool side_by_side = false) {
    AnimateVideoOptions options;
    options.side_by_side = side_by_side;
    return AnimateVideo(*animator_, source, driving, Path("out.mp4"), options);
  }

  std::string folder_;
  std::unique_ptr<Animator> animator_;
};

TEST_F(AnimateTest, KeepsFrameCountAndExactRate) {
  // 7 frames are no multiple of the batch.
  const auto report = Run(WriteStill(), WriteDriving(7, {30000, 1001}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->frames, 7);
  const auto video = data::VideoReader::Open(Path("out.mp4"));
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().width, 32);
  EXPECT_EQ((*video)->info().frame_rate.num, 30000);
  EXPECT_EQ((*video)->info().frame_rate.den, 1001);
  EXPECT_EQ(*data::CountFrames(Path("out.mp4")), 7);
}

TEST_F(AnimateTest, ShowsSourceAndDrivingBesideTheResult) {
  ASSERT_THAT(Run(WriteStill(), WriteDriving(2), /*side_by_side=*/true),
              IsOk());
  const auto video = data::VideoReader::Open(Path("out.mp4"));
  ASSERT_THAT(video, IsOk());
  EXPECT_EQ((*video)->info().width, 96);
}

TEST_F(AnimateTest, TakesAOneFrameVideoAOnePixelStillAndAnyAspect) {
  EXPECT_THAT(Run(WriteStill(1, 1), WriteDriving(1)), IsOk());
  EXPECT_THAT(Run(WriteStill(17, 90), WriteDriving(1)), IsOk());
}

TEST_F(AnimateTest, AFrameDoesNotDependOnTheBatchThatItIsIn) {
  animator_->SetSource(Texture(32, 32, 1));
  std::vector<cv::Mat> driving;
  for (int i = 0; i < 5; ++i) driving.push_back(Texture(32, 32, i));
  const std::vector<cv::Mat> together = animator_->Animate(driving);
  animator_->SetSource(Texture(32, 32, 1));
  for (int i = 0; i < 5; ++i) {
    const cv::Mat alone = animator_->Animate({driving[i]})[0];
    // Kernels differ by batch size: one level of 255 after rounding.
    EXPECT_LE(cv::norm(alone, together[i], cv::NORM_INF), 1) << i;
  }
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

TEST_F(AnimateTest, ATruncatedVideoIsAnErrorAndNoShorterVideo) {
  const std::string driving = WriteDriving(20);
  fs::resize_file(driving, fs::file_size(driving) * 2 / 3);
  const auto report = Run(WriteStill(), driving);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.status().message(), HasSubstr(driving));
  EXPECT_FALSE(fs::exists(Path("out.mp4")));
}

TEST_F(AnimateTest, NamesAFolderThatDoesNotExist) {
  AnimateVideoOptions options;
  EXPECT_THAT(AnimateVideo(*animator_, WriteStill(), WriteDriving(2),
                           Path("no_folder/out.mp4"), options)
                  .status()
                  .message(),
              HasSubstr("no_folder"));
}

}  // namespace
}  // namespace pipelines
