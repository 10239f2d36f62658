#include "keypoints/regression_detector.h"

#include <c10/core/InferenceMode.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using networks::test_util::KeysAndShapes;
using networks::test_util::LoadGolden;
using networks::test_util::ReadKeyList;
using networks::test_util::TensorNear;
using ::testing::ContainerEq;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kTol = 1e-4;
// Relative, for a gradient's elements: where a ReLU's kink flips, the pixels
// below it change by a whole term. Worst seen: 3e-3, in 22 of 600 elements.
constexpr double kKinkTol = 1e-2;

Tensor Gradient(const Tensor& loss, const Tensor& x) {
  return torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
}

Tensor Norm(const Tensor& x) { return x.norm().view({1}); }

TEST(RegressionDetector, HasTheOriginalsKeys) {
  EXPECT_THAT(
      KeysAndShapes(*RegressionDetector(3)),
      ContainerEq(ReadKeyList("keypoints/testdata/keys_kp_detector.txt")));
}

TEST(RegressionDetector, ChannelsLastInInferenceModeChangesNothing) {
  RegressionDetector detector(4);
  FillModule("kp_detector/", *detector);
  detector->eval();
  const Tensor image = FillUniform("image", {2, 3, 64, 96});
  const Tensor expected = detector(image).detach();
  ASSERT_EQ(expected.sizes(), torch::IntArrayRef({2, 20, 2}));
  torch::InferenceMode inference;
  const Tensor actual =
      detector(image.contiguous(torch::MemoryFormat::ChannelsLast));
  // Rounding in 18 layers; the original differs from float64 by 1e-7.
  EXPECT_THAT(actual, TensorNear(expected, 1e-5));
}

class DetectorGolden
    : public ::testing::TestWithParam<std::pair<std::string, int64_t>> {
 protected:
  DetectorGolden()
      : golden_(LoadGolden("keypoints/testdata/kp_detector.safetensors")) {
    FillModule("kp_detector/", *detector_);
    detector_->train(GetParam().first == "train");
  }

  std::string size() const {
    const std::string side = std::to_string(GetParam().second);
    return side + "x" + side;
  }
  std::string Name(const std::string& name) const {
    return GetParam().first + "." + size() + "." + name;
  }
  Tensor Named(const std::string& key) const {
    for (const auto& buffer : detector_->named_buffers()) {
      if (buffer.key() == key) return buffer.value();
    }
    return detector_->named_parameters()[key];
  }

  Golden golden_;
  RegressionDetector detector_{10};
};

INSTANTIATE_TEST_SUITE_P(ModesAndSizes, DetectorGolden,
                         ::testing::Values(std::make_pair("eval", 64),
                                           std::make_pair("train", 64),
                                           std::make_pair("eval", 256),
                                           std::make_pair("train", 256)),
                         [](const auto& info) {
                           return info.param.first +
                                  std::to_string(info.param.second);
                         });

TEST_P(DetectorGolden, OutputsGradientsAndStatistics) {
  const int64_t side = GetParam().second;
  const Tensor image =
      FillUniform("input/kp_" + size(), {side == 64 ? 2 : 1, 3, side, side})
          .requires_grad_();
  const Tensor points = detector_(image);
  EXPECT_TRUE(golden_.Matches(Name("fg_kp"), points, kTol));

  const Tensor loss = (points * FillSigned("cot/kp", points.sizes())).sum();
  const Tensor gradient = Gradient(loss, image);
  EXPECT_TRUE(golden_.Matches(Name("grad_input_l2"), Norm(gradient), kTol));
  EXPECT_TRUE(golden_.Matches(Name("grad_input"), gradient, kKinkTol));
  EXPECT_TRUE(golden_.Matches(
      Name("grad_conv1_l2"),
      Norm(Gradient(loss, Named("fg_encoder.conv1.weight"))), kTol));
  EXPECT_TRUE(golden_.Matches(
      Name("grad_fc_weight_l2"),
      Norm(Gradient(loss, Named("fg_encoder.fc.weight"))), kTol));
  EXPECT_TRUE(golden_.Matches(
      Name("grad_layer4_1_bn2_weight"),
      Gradient(loss, Named("fg_encoder.layer4.1.bn2.weight")), kTol));

  if (!detector_->is_training()) return;
  EXPECT_TRUE(golden_.Matches(Name("bn1.running_mean_after"),
                              Named("fg_encoder.bn1.running_mean"), kTol));
  EXPECT_TRUE(golden_.Matches(Name("layer4.1.bn2.running_var_after"),
                              Named("fg_encoder.layer4.1.bn2.running_var"),
                              kTol));
}

}  // namespace
}  // namespace keypoints
