// Transparent sources from file to file. How alpha moves is in
// animator_test.cc.
#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/panels.h"
#include "pipelines/config/config.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::ReadFile;

// A disc whose middle is half transparent, on nothing; R, G, B, A.
cv::Mat Disc(cv::Size size) {
  cv::Mat rgba(size, CV_8UC4, cv::Scalar(0, 0, 255, 0));
  const cv::Point middle(size.width / 2, size.height / 2);
  const int radius = size.height / 3;
  cv::circle(rgba, middle, radius, cv::Scalar(200, 30, 10, 255), cv::FILLED);
  cv::circle(rgba, middle, radius / 2, cv::Scalar(10, 200, 30, 128),
             cv::FILLED);
  return rgba;
}

cv::Mat Alpha(const cv::Mat& rgba) {
  cv::Mat alpha;
  cv::extractChannel(rgba, alpha, 3);
  return alpha;
}

// The source is its own driving picture, and the network paints nothing, so
// that every frame is the source.
class AnimateAlphaTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    const Config config = *TinyConfig();
    auto model = *AnimationModel::Create(config.model());
    model->eval();
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : model->named_parameters()) {
        if (!absl::StartsWith(item.key(), "dense_motion_network.occlusion")) {
          continue;
        }
        item.value().fill_(absl::EndsWith(item.key(), "bias") ? 50 : 0);
      }
    }
    animator_ = *Animator::Create({config, model}, torch::kCPU);
    WriteSource(Disc({32, 32}));
  }

  void WriteSource(const cv::Mat& picture) {
    ASSERT_THAT(media::WriteImage(source_, picture), IsOk());
  }

  // The first frame of what is written.
  media::VideoFrame Run(const std::string& name) {
    const auto report =
        AnimateVideo(*animator_, source_, source_, folder_ + name, options_);
    EXPECT_THAT(report, IsOk());
    const auto source = media::OpenFrameSource(folder_ + name);
    EXPECT_THAT(source, IsOk());
    return **(*source)->Next();
  }

  const std::string source_ = folder_ + "/source.png";
  AnimateVideoOptions options_;
  std::unique_ptr<Animator> animator_;
};

TEST_F(AnimateAlphaTest, IsKeptWhereTheOutputHoldsIt) {
  const cv::Mat alpha = Alpha(Disc({32, 32}));
  for (const char* name : {"/a.png", "/frames"}) {
    const media::VideoFrame frame = Run(name);
    ASSERT_EQ(frame.alpha.size(), alpha.size()) << name;
    EXPECT_LE(cv::norm(frame.alpha, alpha, cv::NORM_INF), 1) << name;
    EXPECT_NEAR(frame.rgb.at<cv::Vec3b>(6, 16)[0], 200, 1) << name;
  }
  for (const char* name : {"/a.webm", "/a.mov"}) {
    const media::VideoFrame frame = Run(name);
    ASSERT_EQ(frame.alpha.size(), alpha.size()) << name;
    // Lossy: the middle of the disc, its rim, and a corner.
    EXPECT_NEAR(frame.alpha.at<uint8_t>(16, 16), 128, 8) << name;
    EXPECT_NEAR(frame.alpha.at<uint8_t>(8, 16), 255, 8) << name;
    EXPECT_NEAR(frame.alpha.at<uint8_t>(1, 1), 0, 8) << name;
  }
}

// As if the source had been painted on white before: the same file.
TEST_F(AnimateAlphaTest, IsWhiteElsewhere) {
  EXPECT_TRUE(Run("/a.mp4").alpha.empty());
  options_.panels = *ParsePanels("source,result");
  EXPECT_TRUE(Run("/panels.png").alpha.empty());
  options_.panels = *ParsePanels("result");
  WriteSource(*media::ReadImage(source_));
  Run("/white.mp4");
  EXPECT_EQ(*ReadFile(folder_ + "/a.mp4"), *ReadFile(folder_ + "/white.mp4"));
}

TEST_F(AnimateAlphaTest, IsHandedOutWhereTheOutputIsOverWhite) {
  Run("/a.mp4");
  cv::Mat handed_out;
  options_.frame_written = [&](int64_t, const cv::Mat& frame) {
    handed_out = frame.clone();
  };
  options_.keeps_alpha_for_hook = true;
  EXPECT_TRUE(Run("/b.mp4").alpha.empty());
  EXPECT_EQ(*ReadFile(folder_ + "/a.mp4"), *ReadFile(folder_ + "/b.mp4"));
  ASSERT_EQ(handed_out.type(), CV_8UC4);
  // The film is enlarged: every pixel is there several times.
  const int scale = handed_out.cols / 32;
  EXPECT_NEAR(handed_out.at<cv::Vec4b>(16 * scale, 16 * scale)[3], 128, 3);
  EXPECT_EQ(handed_out.at<cv::Vec4b>(scale, scale)[3], 0);
  // Nobody sees through several panels, and an opaque source.
  options_.panels = *ParsePanels("source,result");
  Run("/c.mp4");
  EXPECT_EQ(handed_out.type(), CV_8UC3);
  options_.panels = *ParsePanels("result");
  WriteSource(*media::ReadImage(source_));
  Run("/d.mp4");
  EXPECT_EQ(handed_out.type(), CV_8UC3);
}

TEST_F(AnimateAlphaTest, IsOverAChosenColour) {
  options_.alpha_over = cv::Vec3b(0, 90, 250);
  options_.panels = *ParsePanels("source,result");
  const media::VideoFrame frame = Run("/colour.png");
  EXPECT_TRUE(frame.alpha.empty());
  for (const int x : {1, 33}) {
    EXPECT_EQ(frame.rgb.at<cv::Vec3b>(1, x), cv::Vec3b(0, 90, 250));
    const auto mixed = frame.rgb.at<cv::Vec3b>(16, x + 15);
    EXPECT_NEAR(mixed[0], 10 * 128 / 255.0, 2);
    EXPECT_NEAR(mixed[1], (200 * 128 + 90 * 127) / 255.0, 2);
    EXPECT_NEAR(mixed[2], (30 * 128 + 250 * 127) / 255.0, 2);
  }
}

// Outside of the crop, too; of a size that is neither the model's nor square.
TEST_F(AnimateAlphaTest, IsPastedBackAndScaled) {
  const cv::Mat wide = Disc({96, 64});
  WriteSource(wide);
  options_.paste_back = true;
  const media::VideoFrame pasted = Run("/pasted.png");
  ASSERT_EQ(pasted.alpha.size(), wide.size());
  EXPECT_EQ(pasted.alpha.at<uint8_t>(3, 3), 0);
  EXPECT_NEAR(pasted.alpha.at<uint8_t>(32, 48), 128, 3);
  options_.paste_back = false;
  options_.size = {64, 64};
  const media::VideoFrame scaled = Run("/scaled.png");
  ASSERT_EQ(scaled.alpha.size(), cv::Size(64, 64));
  EXPECT_NEAR(scaled.alpha.at<uint8_t>(32, 32), 128, 3);
  EXPECT_EQ(scaled.alpha.at<uint8_t>(1, 1), 0);
}

// The second frame is opaque in itself, and its own driving frame.
TEST_F(AnimateAlphaTest, IsThatOfEachFrameOfASourceVideo) {
  const std::string video = folder_ + "/video";
  fs::create_directories(video);
  const cv::Mat disc = Disc({32, 32});
  cv::Mat opaque;
  cv::cvtColor(disc, opaque, cv::COLOR_RGBA2RGB);
  ASSERT_THAT(media::WriteImage(video + "/0.png", disc), IsOk());
  ASSERT_THAT(media::WriteImage(video + "/1.png", opaque), IsOk());
  options_.animate_source_video = true;
  ASSERT_THAT(
      AnimateVideo(*animator_, video, video, folder_ + "/moved", options_),
      IsOk());
  const auto source = media::OpenFrameSource(folder_ + "/moved");
  ASSERT_THAT(source, IsOk());
  const media::VideoFrame first = **(*source)->Next();
  EXPECT_LE(cv::norm(first.alpha, Alpha(disc), cv::NORM_INF), 1);
  const media::VideoFrame second = **(*source)->Next();
  EXPECT_TRUE(second.alpha.empty());
  EXPECT_LE(cv::norm(second.rgb, opaque, cv::NORM_INF), 1);
}

TEST_F(AnimateAlphaTest, IsNotInventedForAnOpaqueSource) {
  WriteSource(*media::ReadImage(source_));
  EXPECT_TRUE(Run("/opaque.png").alpha.empty());
}

}  // namespace
}  // namespace pipelines
