// What the model computes of a frame depends on its inputs, the precision and
// the instruction set: not on the batch that it is in, its place there, or the
// number of threads.
#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "pipelines/model/autocast.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"

namespace pipelines {
namespace {

using torch::Tensor;

struct Case {
  const char* name;
  int64_t height, width;
  std::vector<std::string> overrides;
  // Batches on one and two threads are of `frames`, frames - step, ... frames.
  int64_t frames = 9;
  int64_t step = 1;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

// One result of each frame, [B, ...].
struct Result {
  std::string name;
  Tensor values;
};

class ModelBatchTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    model_ = *AnimationModel::Create(TinyConfig(GetParam().overrides)->model());
    model_->eval();
    const torch::NoGradGuard no_grad;
    // Layers that begin at zero, as the background's, would hide a difference.
    for (Tensor& parameter : model_->parameters()) {
      parameter += 0.02 * torch::randn_like(parameter);
    }
    source_ = torch::rand({1, 3, GetParam().height, GetParam().width});
    driving_ = torch::rand({frames_, 3, GetParam().height, GetParam().width});
    // Keypoints of an untrained detector hardly differ.
    keypoints_ =
        model_->DetectKeypoints(source_) + 0.2 * torch::randn({frames_, 10, 2});
    backgrounds_ = torch::eye(3) + 0.1 * torch::randn({frames_, 3, 3});
    backgrounds_.select(1, 2).copy_(torch::tensor({0.f, 0.f, 1.f}));
  }
  void TearDown() override { at::set_num_threads(threads_); }

  // Of frames begin .. end - 1, each result from inputs that are given.
  std::vector<Result> Compute(int64_t begin, int64_t end, int threads) {
    at::set_num_threads(threads);
    const torch::NoGradGuard no_grad;
    const Tensor driving = driving_.slice(0, begin, end);
    std::vector<Result> results = {
        {"keypoints", model_->DetectKeypoints(driving)},
        {"background", model_->PredictBackground(
                           source_.expand_as(driving).contiguous(), driving)}};
    const PreparedSource source = model_->PrepareSource(source_);
    MoveOptions options;
    options.background = backgrounds_.slice(0, begin, end);
    const Motion moved =
        model_->Move(source, keypoints_.slice(0, begin, end), options);
    const networks::DenseMotionOutput& motion = moved.blend;
    results.push_back({"candidates", moved.candidates.fields});
    results.push_back({"deformed source", motion.deformed_source});
    results.push_back({"contribution maps", motion.contribution_maps});
    results.push_back({"source_from_driving", motion.source_from_driving});
    for (const Tensor& map : motion.occlusion_maps) {
      results.push_back({"occlusion map", map});
    }
    for (const auto precision :
         {TrainingConfig::FLOAT32, TrainingConfig::BFLOAT16}) {
      const AutocastScope autocast(precision, torch::kCPU);
      results.push_back({TrainingConfig::Precision_Name(precision) + " frame",
                         model_->Paint(source, moved).prediction});
    }
    return results;
  }

  const int threads_ = at::get_num_threads();
  const int64_t frames_ = GetParam().frames;
  std::shared_ptr<AnimationModel> model_;
  Tensor source_, driving_, keypoints_, backgrounds_;
};

// Maps from 2x2, below the size at which Winograd's method pays, to 96x160. The
// smallest in batches of each size, the others in some: they take longer.
INSTANTIATE_TEST_SUITE_P(
    All, ModelBatchTest,
    testing::Values(Case{"Regression32x32", 32, 32, {}},
                    Case{"Voting64x64",
                         64,
                         64,
                         {"model.detector.kind=VOTING",
                          "model.dense_motion.scale_factor=0.5",
                          "model.dense_motion.num_blocks=3",
                          "model.dense_motion.blend_at_full_size=true"},
                         /*frames=*/9,
                         /*step=*/3},
                    Case{"Wide96x160",
                         96,
                         160,
                         {"model.detector.width=16",
                          "model.dense_motion.max_features=64",
                          "model.inpainting.max_features=64"},
                         /*frames=*/5,
                         /*step=*/3}),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

TEST_P(ModelBatchTest, FramesAreTheSameAloneAndInAnyBatchOnAnyThreads) {
  std::vector<std::vector<Result>> alone;
  for (int64_t i = 0; i < frames_; ++i) {
    alone.push_back(Compute(i, i + 1, /*threads=*/1));
  }
  for (const int threads : {1, 2, 3}) {
    // A frame has another place in each batch. On three threads, whose shares
    // end anywhere in a row, the largest and one of an even size.
    const int64_t step = threads == 3 ? frames_ / 2 + 1 : GetParam().step;
    for (int64_t begin = 0; begin < frames_; begin += step) {
      const std::vector<Result> together = Compute(begin, frames_, threads);
      for (size_t k = 0; k < together.size(); ++k) {
        for (int64_t i = begin; i < frames_; ++i) {
          const Tensor one = alone[i][k].values[0];
          const Tensor same = together[k].values[i - begin];
          EXPECT_TRUE(torch::equal(one, same))
              << together[k].name << " " << i << " in a batch of "
              << frames_ - begin << " on " << threads << " threads is off by "
              << (one - same).abs().max().item<double>();
        }
      }
    }
  }
}

}  // namespace
}  // namespace pipelines
