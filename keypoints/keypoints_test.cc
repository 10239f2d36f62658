// Laws of the keypoint tools, and the original's numbers for them.
// testdata/README.md says where those come from.
#include <torch/torch.h>

#include <cmath>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/coordinates.h"
#include "keypoints/heatmap.h"
#include "keypoints/regression_detector.h"
#include "keypoints/tps.h"
#include "keypoints/transfer.h"
#include "keypoints/voting_detector.h"
#include "networks/key_list_test_util.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using networks::test_util::TensorNear;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kTol = 1e-4;
// Relative, for a gradient's elements: where a ReLU's kink flips, the pixels
// below it change by a whole term. Worst seen: 3e-3, in 22 of 600 elements.
constexpr double kKinkTol = 1e-2;

Golden Load(const std::string& path) {
  absl::StatusOr<Golden> golden = Golden::Load(path);
  TORCH_CHECK(golden.ok(), golden.status().ToString());
  return *std::move(golden);
}

Golden UtilOps() {
  return Load("networks/testing/testdata/util_ops.safetensors");
}

Tensor Gradient(const Tensor& loss, const Tensor& x) {
  return torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
}

Tensor Norm(const Tensor& x) { return x.norm().view({1}); }

// --- Coordinates -----------------------------------------------------------

TEST(Coordinates, MapTheSquaresOntoEachOther) {
  const Tensor centred = torch::tensor({-1., 0., 0.5, 1.});
  const Tensor unit = torch::tensor({0., 0.5, 0.75, 1.});
  EXPECT_THAT(UnitFromCentred(centred), TensorNear(unit, 0));
  EXPECT_THAT(CentredFromUnit(unit), TensorNear(centred, 0));
}

// --- Detector --------------------------------------------------------------

TEST(RegressionDetector, HasTheOriginalsKeys) {
  EXPECT_THAT(networks::test_util::KeysAndShapes(*RegressionDetector(3)),
              ::testing::ContainerEq(networks::test_util::ReadKeyList(
                  "keypoints/testdata/keys_kp_detector.txt")));
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

TEST(VotingDetector, HasResNetsLayersAndAHeadOfItsOwn) {
  const auto parameters = VotingDetector(3)->named_parameters();
  for (const char* key : {"fg_encoder.layer4.1.conv2.weight",
                          "lateral.3.weight", "smooth.bias", "votes.bias"}) {
    EXPECT_TRUE(parameters.contains(key)) << key;
  }
  EXPECT_FALSE(parameters.contains("fg_encoder.fc.weight"));
}

// Of sets [10, 5, 2] after SpreadKeypoints(0.5): centres that are `apart`, and
// all quarters of the image in use.
void ExpectCentresSpread(const Tensor& sets, double apart) {
  EXPECT_LT(sets.abs().max().item<double>(), 1);
  const Tensor centres = sets.select(1, 4);
  const Tensor distances = torch::cdist(centres, centres) + torch::eye(10);
  EXPECT_GT(distances.min().item<double>(), apart);
  EXPECT_LT(centres.mean(0).abs().max().item<double>(), 0.15);
}

// Distances of a set's points to its last, which they surround: [10, 4].
Tensor Arms(const Tensor& sets) {
  return (sets.narrow(1, 0, 4) - sets.narrow(1, 4, 1)).norm(2, -1);
}

TEST(RegressionDetector, SpreadsItsKeypointsOverTheImage) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  RegressionDetector detector(10);
  detector->SpreadKeypoints(0.5);
  detector->eval();
  const Tensor sets = detector(torch::rand({1, 3, 64, 64})).view({10, 5, 2});
  EXPECT_THAT(Arms(sets), TensorNear(torch::full({10, 4}, 0.3), 0.1));
  ExpectCentresSpread(sets, 0.1);
  EXPECT_THROW(detector->SpreadKeypoints(0.7), c10::Error);
}

// Its weights of places stay as drawn, which moves keypoints by more.
TEST(VotingDetector, SpreadsItsKeypointsOverTheImage) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  VotingDetector detector(10);
  detector->SpreadKeypoints(0.5);
  const Tensor sets =
      detector(torch::rand({8, 3, 64, 64})).mean(0).view({10, 5, 2});
  EXPECT_NEAR(Arms(sets).mean().item<double>(), 0.3, 0.1);
  EXPECT_GT(Arms(sets).min().item<double>(), 0.03);
  ExpectCentresSpread(sets, 0.05);
  EXPECT_THROW(detector->SpreadKeypoints(0.7), c10::Error);
}

// Both detectors.
template <typename Detector>
class AnyDetector : public ::testing::Test {};
using Detectors = ::testing::Types<RegressionDetector, VotingDetector>;
TYPED_TEST_SUITE(AnyDetector, Detectors);

TYPED_TEST(AnyDetector, GivesGradientsToAllItsParameters) {
  torch::manual_seed(4);
  TypeParam detector(2, 5, 8);
  detector->SpreadKeypoints(0.5);
  detector(torch::rand({2, 3, 64, 32})).square().sum().backward();
  for (const auto& parameter : detector->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().template item<double>(), 0)
        << parameter.key();
  }
}

// White squares on black, and where they are.
std::pair<Tensor, Tensor> Squares(int64_t batch) {
  constexpr int64_t kSide = 64, kSquare = 6;
  const Tensor corners = torch::randint(4, kSide - 4 - kSquare, {batch, 2});
  const Tensor images = torch::zeros({batch, 3, kSide, kSide});
  for (int64_t i = 0; i < batch; ++i) {
    images[i]
        .narrow(2, corners[i][0].item<int64_t>(), kSquare)
        .narrow(1, corners[i][1].item<int64_t>(), kSquare)
        .fill_(1);
  }
  return {images, (corners + kSquare / 2.) / kSide * 2 - 1};
}

// What it is for: a small thing is followed to places where it has never been
// seen, after few steps. (The paper's is off by 0.2 then; half the image is 1.)
TEST(VotingDetector, LearnsToFollowASmallSquare) {
  torch::manual_seed(5);
  VotingDetector detector(1, 1, 4);
  detector->SpreadKeypoints(0.5);
  torch::optim::Adam adam(detector->parameters(), 3e-3);
  for (int step = 0; step < 80; ++step) {
    const auto [images, places] = Squares(8);
    adam.zero_grad();
    torch::l1_loss(detector(images).squeeze(1), places).backward();
    adam.step();
  }
  const auto [images, places] = Squares(32);
  const Tensor error = (detector(images).squeeze(1) - places).norm(2, 1);
  EXPECT_LT(error.mean().item<double>(), 0.1);
}

class DetectorGolden
    : public ::testing::TestWithParam<std::pair<std::string, int64_t>> {
 protected:
  DetectorGolden()
      : golden_(Load("keypoints/testdata/kp_detector.safetensors")) {
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

// --- Heatmaps --------------------------------------------------------------

TEST(Heatmaps, AreTheOriginals) {
  const Golden golden = UtilOps();
  const Tensor points = golden.tensor("kp2gaussian.kp").requires_grad_();
  const Tensor heatmaps = GaussianHeatmaps(points, 20, 28);
  EXPECT_TRUE(golden.Matches("kp2gaussian.out", heatmaps, kTol));
  const Tensor loss = (heatmaps * FillSigned("cot/gk", heatmaps.sizes())).sum();
  EXPECT_TRUE(
      golden.Matches("kp2gaussian.grad_kp", Gradient(loss, points), kTol));
}

TEST(Heatmaps, AreOneAtTheKeypoint) {
  // Pixel (2, 1) of 5 x 3: x = 0, y = 0.
  const Tensor heatmap = GaussianHeatmaps(torch::zeros({1, 1, 2}), 3, 5);
  EXPECT_EQ(heatmap[0][0][1][2].item<float>(), 1);
  // Pixel (3, 1): x = 0.5, so exp(-0.25 / 0.02).
  EXPECT_NEAR(heatmap[0][0][1][3].item<float>(), std::exp(-12.5), 1e-10);
}

TEST(Heatmaps, DifferenceHasAZeroChannelInFront) {
  const Tensor driving = FillSigned("driving", {2, 3, 2});
  const Tensor source = FillSigned("source", {1, 3, 2});
  const Tensor difference = HeatmapDifference(driving, source, 6, 8);
  ASSERT_EQ(difference.sizes(), torch::IntArrayRef({2, 4, 6, 8}));
  EXPECT_EQ(difference.select(1, 0).abs().max().item<float>(), 0);
  EXPECT_THAT(
      difference.slice(1, 1),
      TensorNear(
          GaussianHeatmaps(driving, 6, 8) - GaussianHeatmaps(source, 6, 8), 0));
}

// --- Thin-plate splines ----------------------------------------------------

TEST(RandomTps, WarpsAsTheOriginal) {
  const Golden golden = UtilOps();
  const RandomTps tps(golden.tensor("tps.theta"),
                      golden.tensor("tps.control_params").flatten(1));
  const Tensor points = golden.tensor("tps.coords").requires_grad_();
  const Tensor warped = tps.WarpCoordinates(points);
  EXPECT_TRUE(golden.Matches("tps.warped", warped, kTol));
  const Tensor loss = (warped * FillSigned("cot/tps", warped.sizes())).sum();
  EXPECT_TRUE(golden.Matches("tps.grad_coords", Gradient(loss, points), kTol));
  EXPECT_TRUE(golden.Matches("tps.frame_grid", tps.Grid(24, 36), kTol));
  EXPECT_TRUE(golden.Matches(
      "tps.frame_out",
      tps.TransformFrame(FillUniform("input/tpsim", {2, 3, 24, 36})), kTol));
}

TEST(RandomTps, WithoutNoiseIsTheIdentity) {
  RandomTpsOptions options;
  options.sigma_affine = 0;
  options.sigma_tps = 0;
  const RandomTps tps = RandomTps::Sample(
      2, options, at::detail::createCPUGenerator(/*seed_val=*/1));
  const Tensor points = FillSigned("points", {2, 7, 2});
  EXPECT_THAT(tps.WarpCoordinates(points), TensorNear(points, 0));
}

TEST(RandomTps, DependsOnTheSeedOnly) {
  const auto grid = [](uint64_t seed) {
    return RandomTps::Sample(2, RandomTpsOptions(),
                             at::detail::createCPUGenerator(seed))
        .Grid(6, 5);
  };
  torch::manual_seed(1);
  const Tensor first = grid(7);
  torch::manual_seed(2);
  EXPECT_THAT(grid(7), TensorNear(first, 0));
  EXPECT_GT((grid(8) - first).abs().max().item<double>(), 1e-3);
}

TEST(RandomTps, NoiseHasTheDeviationsAskedFor) {
  RandomTpsOptions options;
  options.sigma_affine = 0.5;
  options.sigma_tps = 0;
  const RandomTps tps = RandomTps::Sample(
      4000, options, at::detail::createCPUGenerator(/*seed_val=*/3));
  // At the origin an affine map gives its offset: 8000 normal draws, whose
  // deviation is known to 0.8 %.
  const Tensor offset = tps.WarpCoordinates(torch::zeros({1, 1, 2}));
  EXPECT_NEAR(offset.std().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(offset.mean().item<double>(), 0, 0.03);
}

// --- Motion transfer -------------------------------------------------------

Tensor Square(double side) {
  return side *
         torch::tensor({{{0., 0.}, {1., 0.}, {1., 1.}, {0., 1.}, {0.5, 0.25}}},
                       torch::kFloat32);
}

TEST(HullScale, ComparesSizes) {
  // Areas of exact binary fractions: contourArea is exact.
  EXPECT_EQ(HullScale(Square(0.5), Square(0.25)), 2);
  EXPECT_EQ(HullScale(Square(0.25).to(torch::kFloat64), Square(0.5)), 0.5);
}

TEST(HullScale, IsOneForDrivingKeypointsOnALine) {
  const Tensor line =
      torch::tensor({{{0., 0.}, {0.5, 0.5}, {1., 1.}}}, torch::kFloat32);
  EXPECT_EQ(HullScale(Square(0.5).slice(1, 0, 3), line), 1);
  EXPECT_EQ(HullScale(line, torch::zeros({1, 3, 2})), 1);
}

TEST(MotionTransfer, ReproducesTheOriginalsDemo) {
  const Golden golden = Load("keypoints/testdata/transfer.safetensors");
  const Tensor source = golden.tensor("kp_source");
  const Tensor driving = golden.tensor("kp_driving");
  TransferOptions options;
  for (const auto& [mode, name] :
       {std::make_pair(TransferMode::kStandard, "demo.standard.kp_norm"),
        std::make_pair(TransferMode::kRelative, "demo.relative.kp_norm")}) {
    options.mode = mode;
    const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
    EXPECT_TRUE(golden.Matches(name, transfer.Apply(driving), kTol));
  }
}

TEST(MotionTransfer, RelativeBeginsAtTheSource) {
  TransferOptions options;
  options.mode = TransferMode::kRelative;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
  EXPECT_THAT(transfer.Apply(driving).slice(0, 0, 1), TensorNear(source, 0));
}

TEST(MotionTransfer, RelativeWithoutScaleAddsDisplacements) {
  TransferOptions options;
  options.mode = TransferMode::kRelative;
  options.adapt_scale = false;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
  EXPECT_THAT(transfer.Apply(driving),
              TensorNear(source + driving - driving.slice(0, 0, 1), 1e-6));
}

TEST(MotionTransfer, AvdAsksTheNetworkWithTheSourceAsIdentity) {
  TransferOptions options;
  options.mode = TransferMode::kAvd;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1),
                                [](const Tensor& identity, const Tensor& pose) {
                                  return identity + 2 * pose;
                                });
  EXPECT_THAT(transfer.Apply(driving), TensorNear(source + 2 * driving, 0));
  EXPECT_THROW(MotionTransfer(options, source, source), c10::Error);
}

}  // namespace
}  // namespace keypoints
