// A model with a global transform makes the frames of one without it.
#include "pipelines/training/widen.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/initial_weights.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using torch::Tensor;

constexpr char kMapsBias[] = "dense_motion_network.maps.bias";

// With 2 to 5 sets the widths 8 + 3 M + P + 1, halved twice, leave all
// remainders, so that one or two channels are new.
std::shared_ptr<AnimationModel> MakeModel(bool with_global, bool multi_mask,
                                          int sets = 2) {
  ModelConfig config = TinyConfig()->model();
  config.set_num_transforms(sets);
  config.set_global_transform(with_global);
  config.mutable_dense_motion()->set_multi_mask(multi_mask);
  config.mutable_local()->mutable_affine();
  torch::manual_seed(with_global ? 1 : 2);
  return *AnimationModel::Create(config);
}

std::shared_ptr<AnimationModel> Narrow(bool multi_mask, int sets = 2) {
  auto model = MakeModel(/*with_global=*/false, multi_mask, sets);
  // Keypoints that depend on the picture, and bold maps.
  networks::test_util::FillModule("narrow/", *model);
  model->eval();
  return model;
}

std::string Write(const AnimationModel& model) {
  const std::string path = testing::TempDir() + "/narrow.pth.tar";
  EXPECT_THAT(networks::weights::WritePytorch(
                  path, networks::weights::StateDict(model)),
              IsOk());
  return path;
}

Tensor FrameOf(AnimationModel& model) {
  const torch::NoGradGuard no_grad;
  model.eval();
  const PreparedSource source = model.PrepareSource(
      networks::test_util::FillUniform("input/source", {1, 3, 32, 32}));
  const Tensor driving = model.DetectKeypoints(
      networks::test_util::FillUniform("input/driving", {2, 3, 32, 32}));
  return model.Paint(source, model.Move(source, driving)).prediction;
}

class WidenTest : public testing::TestWithParam<std::pair<bool, int>> {};
INSTANTIATE_TEST_SUITE_P(Sizes, WidenTest,
                         testing::Values(std::pair(true, 2), std::pair(true, 3),
                                         std::pair(true, 4), std::pair(true, 5),
                                         std::pair(false, 2)),
                         [](const auto& info) {
                           return (info.param.first ? "multi_mask_"
                                                    : "one_mask_") +
                                  std::to_string(info.param.second) + "_sets";
                         });

TEST_P(WidenTest, KeepsTheFrames) {
  const auto [multi_mask, sets] = GetParam();
  const auto narrow = Narrow(multi_mask, sets);
  const auto wide = MakeModel(/*with_global=*/true, multi_mask, sets);
  const auto report = LoadInitialWeights(Write(*narrow), wide.get());
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->mismatched, IsEmpty());
  EXPECT_THAT(report->missing, IsEmpty());
  EXPECT_THAT(report->unexpected, IsEmpty());
  const Tensor expected = FrameOf(*narrow);
  // Less than a grey level in 8 bits.
  EXPECT_THAT(FrameOf(*wide),
              networks::test_util::TensorNear(expected, 1. / 255));
  // The new map alone makes the difference: without it, only sums in another
  // order do.
  const torch::NoGradGuard no_grad;
  wide->named_parameters()[kMapsBias][sets + 1].fill_(-1e4);
  EXPECT_THAT(FrameOf(*wide), networks::test_util::TensorNear(expected, 1e-4));
}

// Training can raise the new map's share.
TEST(WidenForGlobalTransform, LeavesTheNewMapAGradient) {
  const auto wide = MakeModel(/*with_global=*/true, /*multi_mask=*/true);
  ASSERT_THAT(LoadInitialWeights(Write(*Narrow(true)), wide.get()), IsOk());
  const PreparedSource source = wide->LocateSource(
      networks::test_util::FillUniform("input/source", {2, 3, 32, 32}));
  const Tensor driving = wide->DetectKeypoints(
      networks::test_util::FillUniform("input/driving", {2, 3, 32, 32}));
  wide->Move(source, driving)
      .blend.source_from_driving.square()
      .sum()
      .backward();
  // A share of e^-8 and less has as small a share of the gradient, which Adam,
  // whose steps do not depend on a gradient's size, does not mind.
  const Tensor gradient = wide->named_parameters()[kMapsBias].grad().abs();
  EXPECT_GT(gradient[3].item<float>(), 1e-5 * gradient.max().item<float>());
}

TEST(WidenForGlobalTransform, IsReportedByName) {
  const auto wide = MakeModel(/*with_global=*/true, /*multi_mask=*/true);
  const auto report = LoadInitialWeights(Write(*Narrow(true)), wide.get());
  ASSERT_THAT(report, IsOk());
  const std::string text = ReportText("vox.pth.tar", *report);
  EXPECT_THAT(text, HasSubstr("widened for the global transform: "));
  EXPECT_THAT(text, HasSubstr("dense_motion_network.maps.weight"));
}

TEST(WidenForGlobalTransform, LeavesOtherWeightsAlone) {
  const auto stays = [](const AnimationModel& file,
                        const AnimationModel& model) {
    auto weights = networks::weights::StateDict(file);
    return WidenForGlobalTransform(networks::weights::StateDict(model),
                                   &weights)
        .empty();
  };
  const auto narrow = Narrow(true), wide = MakeModel(true, true);
  EXPECT_TRUE(stays(*wide, *wide));
  EXPECT_TRUE(stays(*narrow, *narrow));
  EXPECT_TRUE(stays(*wide, *narrow));
  // One set more without, for one set less with the global transform.
  EXPECT_TRUE(stays(*Narrow(true, 3), *wide));
  EXPECT_FALSE(stays(*narrow, *wide));
}

}  // namespace
}  // namespace pipelines
