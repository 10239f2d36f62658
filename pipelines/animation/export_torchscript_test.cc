// Export to TorchScript: what is loaded again computes what the networks do,
// and the networks put together by an outsider make the same frame.
#include "pipelines/animation/export_torchscript.h"

#include <torch/script.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "networks/files/testing_folder.h"
#include "networks/testing/tensor_near.h"
#include "networks/torchscript.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using networks::RunScript;
using networks::test_util::TensorNear;
using ::testing::HasSubstr;
using torch::Tensor;

class ExportTorchScriptTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    trained_.config = *TinyConfig();
    trained_.model = *AnimationModel::Create(trained_.config.model());
    trained_.model->eval();
    folder_ = testing::TempDir() + "/scripts";
  }

  torch::jit::Module Load(const std::string& name) {
    return torch::jit::load(folder_ + "/" + name + ".pt");
  }

  TrainedModel trained_;
  std::string folder_;
};

TEST_F(ExportTorchScriptTest, WritesAndChecksEveryNetwork) {
  const auto exported = ExportTorchScript(trained_, folder_);
  ASSERT_THAT(exported, IsOk());
  ASSERT_EQ(exported->size(), 4u);
  for (const ExportedNetwork& network : *exported) {
    EXPECT_LT(network.difference, 1e-5) << network.path;
  }
  EXPECT_THAT(exported->front().signature,
              HasSubstr("image [1, 3, 32, 32] -> keypoints [1, 10, 2]"));
}

TEST_F(ExportTorchScriptTest, LeavesNoBackgroundOfAFormerModel) {
  ASSERT_THAT(ExportTorchScript(trained_, folder_), IsOk());
  ASSERT_TRUE(std::filesystem::exists(folder_ + "/background.pt"));
  ModelConfig& config = *trained_.config.mutable_model();
  config.set_background(false);
  trained_.model = *AnimationModel::Create(config);
  trained_.model->eval();
  const auto exported = ExportTorchScript(trained_, folder_);
  ASSERT_THAT(exported, IsOk());
  EXPECT_EQ(exported->size(), 3u);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/background.pt"));
}

TEST_F(ExportTorchScriptTest, KeepsTheNamesAndValuesOfParameters) {
  ASSERT_THAT(ExportTorchScript(trained_, folder_), IsOk());
  const torch::jit::Module script = Load("detector");
  const auto expected = trained_.model->parts().detector.named_parameters();
  size_t count = 0;
  for (const auto& parameter : script.named_parameters()) {
    ASSERT_TRUE(expected.contains(parameter.name)) << parameter.name;
    EXPECT_TRUE(torch::equal(parameter.value, expected[parameter.name]));
    ++count;
  }
  EXPECT_EQ(count, expected.size());
}

// A frame by the files alone, but for heatmaps and the CPAB step.
TEST_F(ExportTorchScriptTest, TheFilesTogetherMakeTheModelsFrame) {
  ASSERT_THAT(ExportTorchScript(trained_, folder_), IsOk());
  torch::jit::Module detector = Load("detector");
  torch::jit::Module dense_motion = Load("dense_motion");
  torch::jit::Module inpainting = Load("inpainting");
  AnimationModel& model = *trained_.model;
  const torch::NoGradGuard no_grad;
  const Tensor source = torch::rand({1, 3, 32, 32});
  const Tensor driving = torch::rand({1, 3, 32, 32});

  const Tensor kp_source = RunScript(detector, {source})[0];
  const Tensor kp_driving = RunScript(detector, {driving})[0] + 0.1;
  const Tensor small = model.Downsample(source);
  const Tensor heatmaps = keypoints::HeatmapDifference(
      kp_driving, kp_source, small.size(2), small.size(3),
      trained_.config.model().heatmap_variance());
  const Motion moved = model.Move({source, kp_source, small, {}}, kp_driving);
  const Tensor& candidates = moved.candidates.fields;
  const std::vector<Tensor> motion =
      RunScript(dense_motion, {small, heatmaps, candidates});
  std::vector<Tensor> inputs = {source, motion[0]};
  inputs.insert(inputs.end(), motion.begin() + 2, motion.end());
  const Tensor frame = RunScript(inpainting, inputs)[0];

  // Winograd's rounding against direct sums: 5e-6 a layer of values of size 1.
  const PreparedSource prepared = model.PrepareSource(source);
  EXPECT_THAT(
      model.Paint(prepared, model.Move(prepared, kp_driving)).prediction,
      TensorNear(frame, 1e-3));
}

TEST_F(ExportTorchScriptTest, WritesNoNetworkWithoutNumbers) {
  const torch::NoGradGuard no_grad;
  for (Tensor& weights : trained_.model->parameters()) weights.fill_(NAN);
  folder_ += "/not_a_number";
  EXPECT_THAT(ExportTorchScript(trained_, folder_),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("by nan")));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

// Whose last network is compared when the others were.
TEST_F(ExportTorchScriptTest, LeavesTheFilesOfAFormerModelWhereANetworkFails) {
  folder_ += "/former";
  ASSERT_THAT(ExportTorchScript(trained_, folder_), IsOk());
  const std::string detector = TorchScriptPaths(folder_)[0];
  const std::string former = networks::files::ReadText(detector);
  ASSERT_FALSE(former.empty());
  trained_.model = *AnimationModel::Create(trained_.config.model());
  trained_.model->eval();
  const torch::NoGradGuard no_grad;
  for (auto& weights : trained_.model->named_parameters()) {
    if (absl::StartsWith(weights.key(), "bg_predictor")) weights->fill_(NAN);
  }
  EXPECT_THAT(ExportTorchScript(trained_, folder_),
              StatusIs(absl::StatusCode::kInternal,
                       HasSubstr("background.pt: is not written")));
  EXPECT_TRUE(networks::files::ReadText(detector) == former);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 4);
}

TEST_F(ExportTorchScriptTest, NamesAFolderThatCannotBeMade) {
  EXPECT_THAT(ExportTorchScript(trained_, "/dev/null/scripts"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("/dev/null/scripts")));
}

}  // namespace
}  // namespace pipelines
