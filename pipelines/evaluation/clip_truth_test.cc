#include "pipelines/evaluation/clip_truth.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/evaluation/puppet_metrics.h"
#include "pipelines/puppets/puppets.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ClipTruthTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = FreshTestFolder();
    puppets::PuppetOptions options;
    options.size = 64;
    options.num_train = 1;
    options.num_test = 2;
    options.frames_per_clip = 6;
    ASSERT_THAT(puppets::MakePuppets(folder_, options), IsOk());
  }

  data::IndexedClip LastTestClip() {
    data::DatasetOptions options;
    options.root = folder_;
    options.split = "test";
    return (*data::Dataset::Open(options))->clips().back();
  }

  std::string folder_;
};

TEST_F(ClipTruthTest, IsFoundBesideTheSplit) {
  const auto truth = ReadClipTruth(LastTestClip(), {64, 64});
  ASSERT_THAT(truth, IsOk());
  ASSERT_TRUE(truth->has_value());
  const auto expected = puppets::ReadTruth(folder_ + "/truth/test/00001");
  ASSERT_THAT(expected, IsOk());
  for (int frame = 0; frame < 6; ++frame) {
    for (int joint = 0; joint < puppets::kNumJoints; ++joint) {
      const auto& read = (**truth).frames[frame].joints[joint].position;
      const auto& written = expected->frames[frame].joints[joint].position;
      EXPECT_EQ(read.x, written.x);
      EXPECT_EQ(read.y, written.y);
    }
  }
}

TEST_F(ClipTruthTest, IsFoundWhereAnotherClipDiffersByItsEnding) {
  fs::copy_file(folder_ + "/test/00001.png", folder_ + "/test/00001.gif");
  const data::IndexedClip clip = LastTestClip();
  ASSERT_EQ(clip.name, "00001.png");
  const auto truth = ReadClipTruth(clip, {64, 64});
  ASSERT_THAT(truth, IsOk());
  EXPECT_TRUE(truth->has_value());
}

TEST_F(ClipTruthTest, IsNotThatOfAnotherClipOfTheSameStem) {
  data::IndexedClip preview = LastTestClip();
  preview.path = folder_ + "/test/00001.gif";
  preview.name = "00001.gif";
  preview.info.num_frames = 3;
  fs::copy_file(folder_ + "/test/00001.png", preview.path);
  const auto shorter = ReadClipTruth(preview, {64, 64});
  ASSERT_THAT(shorter, IsOk());
  EXPECT_FALSE(shorter->has_value());
  // A folder's name has no ending.
  data::IndexedClip frames = LastTestClip();
  frames.path = folder_ + "/test/00001.1";
  frames.name = "00001.1";
  fs::create_directory(frames.path);
  const auto other = ReadClipTruth(frames, {64, 64});
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE(other->has_value());
}

// A point at pixel p of 64 is at (p + 1/2) / 2 - 1/2 of 32 pixels.
TEST_F(ClipTruthTest, FollowsTheFramesSize) {
  const auto stored = ReadClipTruth(LastTestClip(), {64, 64});
  const auto halved = ReadClipTruth(LastTestClip(), {32, 32});
  ASSERT_THAT(stored, IsOk());
  ASSERT_THAT(halved, IsOk());
  for (int joint = 0; joint < puppets::kNumJoints; ++joint) {
    const double x = (**stored).frames[3].joints[joint].position.x;
    const double pixel = (((x + 1) / 2 * 63) + 0.5) / 2 - 0.5;
    // Rounding of a handful of operations on values near 1.
    EXPECT_NEAR((**halved).frames[3].joints[joint].position.x,
                2 * pixel / 31 - 1, 1e-14);
  }
  // Layers move along: the true flow still carries the joints.
  const cv::Mat flow = puppets::SourceFromDriving(**halved, 0, 4, 128);
  cv::Mat_<cv::Vec2f> places(flow.size());
  for (int row = 0; row < flow.rows; ++row) {
    for (int column = 0; column < flow.cols; ++column) {
      const auto& f = flow.at<cv::Vec3f>(row, column);
      places(row, column) = {f[0], f[1]};
    }
  }
  const auto metrics = MeasurePuppetMotion(**halved, 0, 4, places);
  ASSERT_THAT(metrics, IsOk());
  EXPECT_GE(metrics->joints, 6);
  // As for the unscaled truth: joints lie between pixels of several motions.
  EXPECT_LT(metrics->JointTransferError(), 0.03);
}

TEST_F(ClipTruthTest, IsEmptyWithoutTruthOrForCroppedFrames) {
  const auto cropped = ReadClipTruth(LastTestClip(), {64, 32});
  ASSERT_THAT(cropped, IsOk());
  EXPECT_FALSE(cropped->has_value());
  fs::remove_all(folder_ + "/truth");
  const auto none = ReadClipTruth(LastTestClip(), {64, 64});
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->has_value());
}

TEST_F(ClipTruthTest, NamesAFileThatIsMissingOrOfAnotherClip) {
  data::IndexedClip clip = LastTestClip();
  clip.info.num_frames = 7;
  EXPECT_THAT(ReadClipTruth(clip, {64, 64}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("truth/test/00001"),
                             HasSubstr("6 frames"), HasSubstr("has 7"))));
  fs::remove(folder_ + "/truth/test/00001/layers.csv");
  EXPECT_THAT(
      ReadClipTruth(LastTestClip(), {64, 64}),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("00001/layers.csv")));
}

}  // namespace
}  // namespace pipelines
