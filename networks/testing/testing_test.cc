// Tests of the test helpers: that the fill is the golden data's, and that they
// fail where they should.
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "third_party/absl/status_matchers.h"

namespace networks::test_util {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kGolden[] = "networks/testing/testdata/util_ops.safetensors";

// Of the fill that the golden data were made with, in Python; u in its first
// elements.
struct WorkedExample {
  std::string name;
  uint64_t fnv;
  uint64_t mixed;
  std::vector<double> u;
};

const WorkedExample kWorkedExamples[] = {
    {"kp_detector/fg_encoder.conv1.weight",
     0x837ca6134d132d4d,
     0xea216b100acc5001,
     {0.9145724177360535, 0.508678674697876, 0.1833471655845642}},
    {"kp_detector/fg_encoder.bn1.weight",
     0xc0875d5068a300f3,
     0xaa6c7e38b62297ce,
     {0.6657179594039917, 0.687220573425293, 0.9667795896530151}},
    {"kp_detector/fg_encoder.bn1.running_var",
     0x980e377001be4310,
     0xe60ca6bb833dcf75,
     {0.8986304998397827, 0.43431776762008667, 0.7552149891853333}},
    {"kp_detector/fg_encoder.fc.bias",
     0xe7f112489a2a87b6,
     0xfaad5c0f929ce01d,
     {0.9792077541351318, 0.1856892704963684, 0.05321604013442993}},
    {"input/source",
     0xfdfb2ff16277e909,
     0x36aa3bad3964e7c4,
     {0.21353501081466675, 0.9396364688873291, 0.37685489654541016}},
};

TEST(Fill, ReproducesTheWorkedExample) {
  for (const WorkedExample& example : kWorkedExamples) {
    SCOPED_TRACE(example.name);
    EXPECT_EQ(Fnv1a64(example.name), example.fnv);
    EXPECT_EQ(SplitMix64(example.fnv), example.mixed);
    const torch::Tensor u = FillUniform(example.name, {3});
    const torch::Tensor s = FillSigned(example.name, {3});
    for (int i = 0; i < 3; ++i) {
      // Exact: the values have 24 bits.
      EXPECT_EQ(u[i].item<double>(), example.u[i]);
      EXPECT_EQ(s[i].item<double>(), 2 * example.u[i] - 1);
    }
  }
}

TEST(Fill, AppliesTheRulesOfTheWorkedExample) {
  const auto values = [](const std::string& key, torch::IntArrayRef shape) {
    return FillValue("kp_detector/", key, shape).flatten().slice(0, 0, 3);
  };
  // Nine digits are printed; half of the last one.
  constexpr double kPrinted = 5e-9;
  EXPECT_THAT(
      values("fg_encoder.conv1.weight", {64, 3, 7, 7}),
      TensorNear(torch::tensor({0.118449263, 0.00247962144, -0.0904722363},
                               torch::kFloat64),
                 kPrinted));
  EXPECT_THAT(values("fg_encoder.bn1.weight", {64}),
              TensorNear(torch::tensor({1.03314364, 1.03744411, 1.09335589},
                                       torch::kFloat64),
                         kPrinted));
  EXPECT_THAT(values("fg_encoder.bn1.running_var", {64}),
              TensorNear(torch::tensor({1.44931531, 1.21715891, 1.37760746},
                                       torch::kFloat64),
                         kPrinted));
  EXPECT_THAT(
      values("fg_encoder.fc.bias", {150}),
      TensorNear(torch::tensor({0.0479207747, -0.0314310715, -0.0446783975},
                               torch::kFloat64),
                 kPrinted));
}

TEST(Fill, LeavesConstantsAndRefusesUnknownKeys) {
  EXPECT_FALSE(FillValue("dense/", "down.weight", {3, 1, 13, 13}).defined());
  EXPECT_FALSE(FillValue("vgg/", "mean", {1, 3, 1, 1}).defined());
  EXPECT_TRUE(FillValue("hg/", "up_blocks.0.weight", {4}).defined());
  EXPECT_THROW(FillValue("hg/", "delta", {4}), c10::Error);
}

// Of DINOv2 and MobileSAM.
TEST(Fill, HasRulesForScalesRegistersAndBiases) {
  EXPECT_TRUE(torch::equal(
      FillValue("m/", "ls1.gamma", {3}),
      (1 + 0.1 * FillSigned("m/ls1.gamma", {3}).to(torch::kFloat64))
          .to(torch::kFloat32)));
  EXPECT_LE(
      FillValue("m/", "register_tokens", {1, 4, 8}).abs().max().item<float>(),
      0.05f);
  EXPECT_TRUE(torch::equal(FillValue("m/", "attn.attention_biases", {2, 9}),
                           FillSigned("m/attn.attention_biases", {2, 9})));
}

TEST(Fill, FillsParametersAndBuffersByName) {
  torch::nn::Sequential module(torch::nn::Linear(3, 4),
                               torch::nn::BatchNorm1d(4));
  module->to(torch::kFloat64);
  FillModule("m/", *module);
  const auto parameters = module->named_parameters();
  // fan-in 3: the scale is sqrt(3 / 3) = 1.
  EXPECT_TRUE(torch::equal(parameters["0.weight"],
                           FillSigned("m/0.weight", {4, 3}).to(torch::kF64)));
  const auto buffers = module->named_buffers();
  EXPECT_TRUE(
      torch::equal(buffers["1.running_mean"],
                   FillValue("m/", "1.running_mean", {4}).to(torch::kFloat64)));
  EXPECT_EQ(buffers["1.num_batches_tracked"].item<int64_t>(), 0);
}

TEST(TensorNear, NamesTheWorstElement) {
  const torch::Tensor expected = torch::arange(6.).reshape({2, 3});
  torch::Tensor actual = expected.clone();
  actual[1][0] += 0.25;
  actual[0][1] -= 0.125;
  EXPECT_THAT(actual, TensorNear(expected, 0.25));
  EXPECT_THAT(actual, Not(TensorNear(expected, 0.2)));
  EXPECT_EQ(std::string(AllNear(actual, expected, 0.0625).message()),
            "2 of 6 elements differ; worst at [1, 0] of shape [2, 3]: 3.25, "
            "expected 3, difference 0.25, tolerance 0.0625");
  EXPECT_TRUE(AllNear(actual, expected, 0, 0.125));
  EXPECT_FALSE(AllNear(actual, expected, 0, 0.0625));
}

TEST(TensorNear, TellsShapesNansAndInfinitiesApart) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const auto one = [](float value) { return torch::full({1}, value); };
  EXPECT_TRUE(AllNear(one(kInf), one(kInf), 0));
  EXPECT_FALSE(AllNear(one(kInf), one(-kInf), 1));
  EXPECT_FALSE(AllNear(one(1), one(kInf), 1, 0.5));
  EXPECT_FALSE(AllNear(one(kInf), one(1), 1));
  EXPECT_FALSE(AllNear(one(kNan), one(1), 1));
  EXPECT_FALSE(AllNear(one(1), one(kNan), 1));
  EXPECT_FALSE(AllNear(one(kNan), one(kNan), 1));
  EXPECT_FALSE(AllNear(torch::zeros({2, 1}), torch::zeros({1, 2}), 1));
  EXPECT_FALSE(AllNear(torch::Tensor(), torch::zeros({1}), 1));
  EXPECT_TRUE(AllNear(torch::zeros({0, 2}), torch::zeros({0, 2}), 0));
}

class GoldenTest : public ::testing::Test {
 protected:
  GoldenTest() : golden_(*Golden::Load(kGolden)) {}
  const Golden golden_;
};

TEST_F(GoldenTest, HoldsWholeTensorsAndMetadata) {
  EXPECT_TRUE(golden_.has("aa_0.5.kernel"));
  EXPECT_FALSE(golden_.has("aa_0.5.nothing"));
  EXPECT_EQ(golden_.tensor("aa_0.5.kernel").sizes(),
            torch::IntArrayRef({5, 5}));
  EXPECT_EQ(golden_.metadata("case"), "AntiAlias/kp2gaussian/TPS");
  EXPECT_THROW(golden_.tensor("aa_0.5.nothing"), c10::Error);
  EXPECT_THROW(golden_.metadata("nothing"), c10::Error);
  EXPECT_THAT(Golden::Load("networks/testing/testdata/none").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(GoldenTest, MatchesAWholeTensorAndNothingElse) {
  torch::Tensor kernel = golden_.tensor("aa_0.5.kernel");
  EXPECT_TRUE(golden_.Matches("aa_0.5.kernel", kernel, 1e-6));
  const double mean = kernel.abs().mean().item<double>();
  const double value = kernel[2][1].item<double>();
  kernel[2][1] += 1.1e-3 * (value + mean);
  EXPECT_TRUE(golden_.Matches("aa_0.5.kernel", kernel, 1.2e-3));
  const auto result = golden_.Matches("aa_0.5.kernel", kernel, 1e-3);
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("aa_0.5.kernel: 1 of 25"));
  EXPECT_THAT(result.message(), HasSubstr("[2, 1]"));
}

// The heatmaps of util_ops, of which every third element is stored: Gaussians
// of variance 0.01 about the keypoints on a 20 x 28 grid over [-1, 1]^2.
torch::Tensor Heatmaps(const torch::Tensor& keypoints) {
  const torch::Tensor x =
      torch::linspace(-1, 1, 28, keypoints.options()).view({1, 1, 1, 28});
  const torch::Tensor y =
      torch::linspace(-1, 1, 20, keypoints.options()).view({1, 1, 20, 1});
  const auto coordinate = [&keypoints](int i) {
    return keypoints.select(/*dim=*/2, i).unsqueeze(2).unsqueeze(3);
  };
  const torch::Tensor squared_distance =
      (x - coordinate(0)).square() + (y - coordinate(1)).square();
  return (-0.5 * squared_distance / 0.01).exp();  // [2, 6, 20, 28]
}

TEST_F(GoldenTest, MatchesASliceByItsElementsStatisticsAndShape) {
  const torch::Tensor keypoints = golden_.tensor("kp2gaussian.kp");
  torch::Tensor heatmaps = Heatmaps(keypoints);
  const auto match = [this](const torch::Tensor& actual) {
    return golden_.Matches("kp2gaussian.out", actual, 1e-4);
  };
  EXPECT_TRUE(match(heatmaps));
  EXPECT_FALSE(match(Heatmaps(keypoints + 1e-3)));
  EXPECT_THAT(match(heatmaps.flatten()).message(), HasSubstr("shape"));
  // An element that the slice skips shows in the statistics alone.
  heatmaps.view({-1})[1] += 1;
  EXPECT_THAT(match(heatmaps).message(), HasSubstr("kp2gaussian.out.stats"));
}

// The original's float32 run of the heatmaps was up to 3.65e-7 off, by its
// metadata.
TEST_F(GoldenTest, Float64MayDifferByTheRoundingOfTheStoredRun) {
  const torch::Tensor keypoints = golden_.tensor("kp2gaussian.kp");
  const torch::Tensor heatmaps = Heatmaps(keypoints.to(torch::kFloat64));
  const auto match = [this](const torch::Tensor& actual) {
    return golden_.MatchesInFloat64("kp2gaussian.out", actual, 1e-12);
  };
  EXPECT_TRUE(match(heatmaps));
  EXPECT_FALSE(match(heatmaps + 1e-6));
  EXPECT_THAT(match(Heatmaps(keypoints)).message(), HasSubstr("not float64"));
}

}  // namespace
}  // namespace networks::test_util
