#include "pipelines/explanation/stages.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using networks::test_util::TensorNear;

// float32 of coordinates up to some units, by another order of sums.
constexpr double kFieldTolerance = 1e-5;

TrainedModel RandomModel(const std::vector<std::string>& overrides = {}) {
  const auto config = TinyConfig(overrides);
  EXPECT_THAT(config, IsOk());
  torch::manual_seed(3);
  auto model = AnimationModel::Create(config->model());
  EXPECT_THAT(model, IsOk());
  (*model)->eval();
  return {*config, *model};
}

FramePair RandomPair(bool is_relative) {
  torch::manual_seed(4);
  FramePair pair{torch::rand({3, 32, 32}), torch::rand({3, 32, 32}), {}};
  if (is_relative) pair.first_driving = torch::rand({3, 32, 32});
  return pair;
}

class StagesOfMotion : public testing::TestWithParam<std::string> {};

TEST_P(StagesOfMotion, HaveTheCandidatesOfTheNetworkAmongTheFinerOnes) {
  const TrainedModel trained =
      RandomModel({"model.local=" + GetParam(), "model.global=" + GetParam()});
  const FramePair pair = RandomPair(/*is_relative=*/false);
  const auto stages = ComputeStages(trained, pair, torch::kCPU);
  ASSERT_THAT(stages, IsOk());

  const torch::NoGradGuard no_grad;
  AnimationModel& model = *trained.model;
  const torch::Tensor source = pair.source.unsqueeze(0);
  const torch::Tensor driving = pair.driving.unsqueeze(0);
  const PreparedSource prepared = model.PrepareSource(source);
  const Motion motion = model.Move(prepared, model.DetectKeypoints(driving));
  EXPECT_THAT(stages->candidates.slice(1, 0, {}, 4).slice(2, 0, {}, 4),
              TensorNear(motion.candidates.fields[0], kFieldTolerance));
  EXPECT_THAT(stages->result,
              TensorNear(model.Paint(prepared, motion).prediction[0], 0));
}

std::string NameOf(const testing::TestParamInfo<std::string>& info) {
  return info.param.substr(0, info.param.find(' '));
}

INSTANTIATE_TEST_SUITE_P(All, StagesOfMotion, testing::ValuesIn([] {
                           std::vector<std::string> motions;
                           for (const std::string& name : MotionNames()) {
                             motions.push_back(name + " {}");
                           }
                           return motions;
                         }()),
                         NameOf);

TEST(ComputeStages, HasEveryStage) {
  const TrainedModel trained = RandomModel();
  const auto stages = ComputeStages(trained, RandomPair(false), torch::kCPU);
  ASSERT_THAT(stages, IsOk());
  const int64_t candidates = trained.model->num_candidates();
  EXPECT_EQ(stages->contributions.size(0), candidates);
  EXPECT_EQ(stages->candidates.size(0), candidates);
  EXPECT_EQ(stages->residual.size(0), candidates - 1);
  EXPECT_EQ(stages->occlusion_maps.size(), 4u);
  EXPECT_EQ(stages->warped.sizes(), stages->source.sizes());
  EXPECT_TRUE(torch::equal(stages->keypoints, stages->driving_keypoints));
  EXPECT_FALSE(stages->is_relative);
  // What the config leaves out is there for who draws the cells.
  EXPECT_TRUE(stages->model.local().has_cpab());
}

// As `animate` does, whatever the model predicts.
TEST(ComputeStages, RestsTheBackground) {
  const TrainedModel trained = RandomModel({"model.background=true"});
  const auto stages = ComputeStages(trained, RandomPair(false), torch::kCPU);
  ASSERT_THAT(stages, IsOk());
  const torch::Tensor& field = stages->candidates[0];
  EXPECT_THAT(field,
              TensorNear(networks::CoordinateGrid(field.size(0), field.size(1),
                                                  field.options()),
                         0));
}

// In relative mode a frame that is the first one moves nothing.
TEST(ComputeStages, MovesNothingFromTheFirstFrameToItself) {
  const TrainedModel trained = RandomModel();
  FramePair pair = RandomPair(true);
  pair.first_driving = pair.driving;
  const auto stages = ComputeStages(trained, pair, torch::kCPU);
  ASSERT_THAT(stages, IsOk());
  EXPECT_TRUE(stages->is_relative);
  EXPECT_THAT(stages->keypoints, TensorNear(stages->source_keypoints, 1e-6));
  const torch::Tensor grid = networks::CoordinateGrid(
      stages->candidates.size(1), stages->candidates.size(2), torch::kFloat32);
  EXPECT_THAT(stages->candidates,
              TensorNear(grid.expand_as(stages->candidates), kFieldTolerance));
}

TEST(ComputeStages, TakesTheMotionSinceTheFirstFrame) {
  const TrainedModel trained = RandomModel();
  const auto stages = ComputeStages(trained, RandomPair(true), torch::kCPU);
  ASSERT_THAT(stages, IsOk());
  EXPECT_FALSE(torch::equal(stages->keypoints, stages->driving_keypoints));
}

}  // namespace
}  // namespace pipelines
