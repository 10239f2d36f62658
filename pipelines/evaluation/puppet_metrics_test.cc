#include "pipelines/evaluation/puppet_metrics.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/base/random.h"
#include "pipelines/puppets/scene.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

constexpr int kSize = 96;
constexpr int kDriving = 12;

puppets::Truth MakeTruth() {
  puppets::SceneOptions options;
  options.num_frames = 16;
  return puppets::Scene(options, Random({11})).truth();
}

// The true flow from the first frame, moved by `shift`.
cv::Mat TrueFlow(const puppets::Truth& truth, int driving, cv::Vec2f shift,
                 int size = kSize) {
  const cv::Mat flow = puppets::SourceFromDriving(truth, 0, driving, size);
  cv::Mat_<cv::Vec2f> places(size, size);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const auto& f = flow.at<cv::Vec3f>(row, column);
      places(row, column) = cv::Vec2f(f[0], f[1]) + shift;
    }
  }
  return places;
}

TEST(MeasurePuppetMotion, IsZeroForTheTrueFlow) {
  const puppets::Truth truth = MakeTruth();
  const auto metrics =
      MeasurePuppetMotion(truth, 0, kDriving, TrueFlow(truth, kDriving, {}));
  ASSERT_THAT(metrics, IsOk());
  // A pixel's place is computed back and forth, so read a rounding beside it.
  EXPECT_LT(metrics->FlowEndPointError(), 1e-12);
  EXPECT_GT(metrics->puppet_pixels, 300);
  EXPECT_GT(metrics->flow_pixels, metrics->puppet_pixels);
  // Joints lie between pixels, some beside a border of two motions.
  EXPECT_GE(metrics->joints, 6);
  EXPECT_LT(metrics->JointTransferError(), 0.03);
  EXPECT_GT(metrics->Pck(), 0.9);
}

TEST(MeasurePuppetMotion, IsTheLengthOfAConstantError) {
  const puppets::Truth truth = MakeTruth();
  const auto metrics = MeasurePuppetMotion(
      truth, 0, kDriving, TrueFlow(truth, kDriving, {0.3f, 0.4f}));
  ASSERT_THAT(metrics, IsOk());
  // Float32 coordinates near 1.
  EXPECT_NEAR(metrics->FlowEndPointError(), 0.5, 1e-6);
  EXPECT_NEAR(metrics->PuppetFlowEndPointError(), 0.5, 1e-6);
  EXPECT_EQ(metrics->Pck(), 0);
}

TEST(MeasurePuppetMotion, CountsJointsWithinTheRadius) {
  puppets::Truth truth;
  truth.outlines.emplace_back();
  truth.frames.resize(2);
  for (auto& frame : truth.frames) frame.frame_from_layer.resize(1);
  // Three joints, each further from where a flow of zero motion says; a fourth
  // that is hidden in the source and must not count.
  const double distances[] = {0, 0.05, 0.2, 1};
  for (int joint = 0; joint < 4; ++joint) {
    truth.frames[1].joints[joint] = {{0, 0}, true};
    truth.frames[0].joints[joint] = {{distances[joint], 0}, joint < 3};
  }
  const auto metrics =
      MeasurePuppetMotion(truth, 0, 1, TrueFlow(truth, 1, {}), 0.1);
  ASSERT_THAT(metrics, IsOk());
  EXPECT_EQ(metrics->joints, 3);
  EXPECT_NEAR(metrics->JointTransferError(), 0.25 / 3, 1e-6);
  EXPECT_NEAR(metrics->Pck(), 2.0 / 3, 1e-12);
  EXPECT_EQ(metrics->puppet_pixels, 0);
}

TEST(MeasurePuppetMotion, ReadsACoarseFlowBilinearly) {
  puppets::Truth truth = MakeTruth();
  for (auto& outline : truth.outlines) outline.clear();  // background only
  cv::Mat_<cv::Vec2f> coarse(2, 2);
  coarse << cv::Vec2f(-1, -1), cv::Vec2f(1, -1), cv::Vec2f(-1, 1),
      cv::Vec2f(1, 1);
  const auto metrics = MeasurePuppetMotion(truth, 0, kDriving, coarse);
  ASSERT_THAT(metrics, IsOk());
  EXPECT_EQ(metrics->flow_pixels, 64 * 64);
  EXPECT_NEAR(metrics->FlowEndPointError(), 0, 1e-6);
}

TEST(PuppetMetrics, AddUp) {
  const puppets::Truth truth = MakeTruth();
  const cv::Mat still = TrueFlow(truth, 0, {});
  PuppetMetrics sum;
  double errors = 0;
  int64_t pixels = 0;
  for (int driving : {4, 8, 12}) {
    const auto one = MeasurePuppetMotion(truth, 0, driving, still);
    ASSERT_THAT(one, IsOk());
    sum += *one;
    errors += one->FlowEndPointError() * static_cast<double>(one->flow_pixels);
    pixels += one->flow_pixels;
  }
  EXPECT_EQ(sum.flow_pixels, pixels);
  EXPECT_NEAR(sum.FlowEndPointError(), errors / static_cast<double>(pixels),
              1e-12);
  // A flow of no motion is right on the still background only.
  EXPECT_GT(sum.PuppetFlowEndPointError(), 0.03);
  EXPECT_EQ(PuppetMetrics().Pck(), 0);
}

TEST(MeasurePuppetMotion, RefusesWhatIsNoFlow) {
  const puppets::Truth truth = MakeTruth();
  const auto error = [](const char* message) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message));
  };
  EXPECT_THAT(MeasurePuppetMotion(truth, 0, 1, cv::Mat(4, 4, CV_32FC3)),
              error("CV_32FC2"));
  EXPECT_THAT(MeasurePuppetMotion(truth, 0, 16, TrueFlow(truth, 1, {})),
              error("frame 16 is not one of 16"));
  cv::Mat broken = TrueFlow(truth, 1, {});
  broken.at<cv::Vec2f>(3, 5)[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(MeasurePuppetMotion(truth, 0, 1, broken),
              error("row 3, column 5"));
}

}  // namespace
}  // namespace pipelines
