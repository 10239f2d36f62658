#include "pipelines/training/run_report.h"

#include <torch/torch.h>

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/media/image_io.h"
#include "pipelines/report/visualize.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::FreshTestFolder;

class WriteStripTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    config_ = TinyConfig()->model();
    model_ = *AnimationModel::Create(config_);
    source_ = torch::rand({2, 3, 32, 32});
    driving_ = torch::rand({2, 3, 32, 32});
  }

  // The strip of the model's own frames in eval mode.
  cv::Mat Expected() {
    const torch::NoGradGuard no_grad;
    model_->eval();
    const PreparedSource source = model_->PrepareSource(source_);
    StripInput strip;
    strip.source = source_;
    strip.driving = driving_;
    strip.source_keypoints = source.keypoints;
    strip.driving_keypoints = model_->DetectKeypoints(driving_);
    MoveOptions options;
    options.background = model_->PredictBackground(source_, driving_);
    const Motion motion =
        model_->Move(source, strip.driving_keypoints, options);
    const networks::InpaintingOutput painted = model_->Paint(source, motion);
    strip.prediction = painted.prediction;
    strip.deformed_source = painted.deformed_source;
    strip.source_from_driving = motion.blend.source_from_driving;
    strip.occlusion_maps = motion.blend.occlusion_maps;
    strip.contribution_maps = motion.blend.contribution_maps;
    StripOptions look;
    look.keypoints_per_transform = config_.keypoints_per_transform();
    return DrawStrip(strip, look);
  }

  ModelConfig config_;
  std::shared_ptr<AnimationModel> model_;
  torch::Tensor source_, driving_;
};

TEST_F(WriteStripTest, ShowsTheFramesOfTheModelInEvalMode) {
  const auto folder = RunFolder::Open(FreshTestFolder());
  ASSERT_THAT(folder, IsOk());
  model_->train();
  const auto path =
      WriteStrip(*folder, *model_, config_, source_, driving_, /*epoch=*/7);
  ASSERT_THAT(path, IsOk());
  EXPECT_EQ(*path, folder->path() + "/pictures/epoch-00007.png");
  const auto strip = media::ReadImage(*path);
  ASSERT_THAT(strip, IsOk());
  const cv::Mat expected = Expected();
  ASSERT_EQ(strip->size(), expected.size());
  EXPECT_EQ(cv::norm(*strip, expected, cv::NORM_INF), 0);
}

TEST_F(WriteStripTest, LeavesTheModelAsItWas) {
  const auto folder = RunFolder::Open(FreshTestFolder());
  ASSERT_THAT(folder, IsOk());
  for (const bool training : {true, false}) {
    model_->train(training);
    std::vector<torch::Tensor> before;
    for (const torch::Tensor& buffer : model_->buffers()) {
      before.push_back(buffer.clone());
    }
    ASSERT_THAT(
        WriteStrip(*folder, *model_, config_, source_, driving_, /*epoch=*/0),
        IsOk());
    EXPECT_EQ(model_->is_training(), training);
    const std::vector<torch::Tensor> after = model_->buffers();
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(torch::equal(after[i], before[i])) << "buffer " << i;
    }
  }
}

}  // namespace
}  // namespace pipelines
