// Laws of the losses, the original's perceptual pyramid, and the original's
// whole training step (all networks, all losses, CPAB grids given).
// testdata/README.md says where the numbers come from.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "keypoints/regression_detector.h"
#include "keypoints/tps.h"
#include "losses/background.h"
#include "losses/balance.h"
#include "losses/equivariance.h"
#include "losses/perceptual.h"
#include "losses/photometric.h"
#include "losses/warp.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace losses {
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
// Relative, for gradients through many ReLUs and |.|, which change by whole
// terms where a kink flips. The original's own float32 and float64 runs of the
// training step differ by up to 1e-3 in norms and 7e-3 in elements; ours from
// the stored ones by up to 2e-3 and 1e-2.
constexpr double kKinkTol = 2e-2;

Golden Load(const std::string& path) {
  absl::StatusOr<Golden> golden = Golden::Load(path);
  TORCH_CHECK(golden.ok(), golden.status().ToString());
  return *std::move(golden);
}

// --- Laws ------------------------------------------------------------------

TEST(WarpLoss, SumsTheMeansOverLevels) {
  const Tensor large = FillSigned("large", {2, 4, 8, 8});
  const Tensor small = FillSigned("small", {2, 8, 4, 4});
  EXPECT_EQ(WarpLoss({large, small}, {small, large}).item<float>(), 0);
  // Means of constants: exact but for the rounding of large + 2.
  EXPECT_NEAR(WarpLoss({large, small}, {small + 1, large + 2}).item<float>(), 3,
              1e-6);
  EXPECT_THROW(WarpLoss({large}, {small, large}), c10::Error);
}

TEST(PhotometricLoss, AddsUpThePyramid) {
  const Tensor image = FillUniform("image", {2, 3, 64, 32});
  EXPECT_EQ(PhotometricLoss(image, image).item<float>(), 0);
  // Sides of 32, 16 and 8: three levels, at each of which a constant is one.
  EXPECT_NEAR(PhotometricLoss(image, image + 0.25).item<float>(), 0.75, 1e-6);
  // A checkerboard is gone after the first.
  const Tensor sign = torch::tensor({1., -1., -1., 1.}).view({2, 2});
  EXPECT_NEAR(
      PhotometricLoss(image, image + sign.repeat({32, 16})).item<float>(), 1,
      1e-6);
  EXPECT_THROW(PhotometricLoss(image, image.narrow(0, 0, 1)), c10::Error);
}

// A bright square 8 pixels wide, 12 pixels away from where it should be: at
// full size nothing says which way to go.
TEST(PhotometricLoss, PullsAFigureThatDoesNotOverlap) {
  const auto square = [](int64_t left) {
    Tensor image = torch::zeros({1, 1, 64, 64});
    image.slice(2, 24, 32).slice(3, left, left + 8).fill_(1);
    return image;
  };
  // By half a pixel, where bilinear sampling has a derivative.
  const Tensor shift = torch::full({}, 1. / 63, torch::requires_grad());
  const Tensor grid =
      networks::CoordinateGrid(64, 64, torch::kFloat32).unsqueeze(0) -
      torch::stack({shift, torch::zeros({})});
  const Tensor warped = networks::Warp(square(16), grid);
  const auto slope = [&](const Tensor& loss) {
    return torch::autograd::grad({loss}, {shift}, {}, /*retain_graph=*/true)[0]
        .item<float>();
  };
  // The two edges cancel but for rounding; in pixels of 8 x 8, 8 rows of a
  // brightness that moves 31.5 pixels a unit, from one to the next.
  EXPECT_NEAR(slope(torch::l1_loss(warped, square(28))), 0, 1e-4);
  EXPECT_NEAR(slope(PhotometricLoss(square(28), warped)),
              -2 * 8 * 31.5 / (64 * 64), 1e-3);
}

TEST(MixturePhotometricLoss, IsTheExpectedDifferenceAtEachLevel) {
  const Tensor driving = FillUniform("image", {2, 3, 32, 16});
  const Tensor off = torch::tensor({0.5, -0.25}).view({1, 2, 1, 1, 1});
  const Tensor warped = driving.unsqueeze(1) + off;
  const Tensor contributions =
      torch::tensor({0.2, 0.8}).view({1, 2, 1, 1}).expand({2, 2, 32, 16});
  // Sides of 16 and 8: two levels of 0.2 * 0.5 + 0.8 * 0.25. The off-cancelling
  // blend of both would be nearer; the mixture does not take it.
  EXPECT_NEAR(
      MixturePhotometricLoss(driving, warped, contributions).item<float>(), 0.6,
      1e-6);
  EXPECT_THROW(
      MixturePhotometricLoss(driving, warped.select(1, 0), contributions),
      c10::Error);
}

TEST(MixturePhotometricLoss, OfOneCandidateIsItsPhotometricLoss) {
  const Tensor driving = FillUniform("driving", {2, 3, 32, 32});
  const Tensor warped = FillUniform("warped", {2, 4, 3, 32, 32});
  Tensor contributions = torch::zeros({2, 4, 32, 32});
  contributions.select(1, 2).fill_(1);
  EXPECT_THAT(
      MixturePhotometricLoss(driving, warped, contributions).view({1}),
      TensorNear(PhotometricLoss(driving, warped.select(1, 2)).view({1}),
                 1e-6));  // sums in another order
}

TEST(MixturePhotometricLoss, TeachesMapsWhichCandidateDoesBest) {
  const Tensor driving = FillUniform("driving", {1, 3, 32, 32});
  const Tensor warped = torch::stack({torch::ones_like(driving), driving}, 1);
  const Tensor logits = torch::zeros({1, 2, 32, 32}, torch::requires_grad());
  MixturePhotometricLoss(driving, warped, logits.softmax(1)).backward();
  EXPECT_LT(logits.grad().select(1, 1).max().item<float>(), 0);
}

// Frames that differ by 1 in the left half only.
Tensor LeftHalf() {
  Tensor image = torch::zeros({1, 3, 4, 8});
  image.slice(3, 0, 4).fill_(1);
  return image;
}

TEST(PartShares, AreOfWhatDiffers) {
  // The background has half of every pixel; of the rest part 0 takes a
  // quarter on the left, where the frames differ, and all on the right.
  Tensor maps = torch::full({1, 3, 4, 8}, 0.5);
  maps.select(1, 1).slice(2, 0, 4).fill_(0.125);
  maps.select(1, 2).slice(2, 0, 4).fill_(0.375);
  maps.select(1, 2).slice(2, 4, 8).fill_(0);
  const Tensor black = torch::zeros({1, 3, 4, 8});
  EXPECT_THAT(PartShares(black, LeftHalf(), maps),
              TensorNear(torch::tensor({{0.25f, 0.75f}}), 1e-6));
  EXPECT_THAT(PartShares(black, black, maps),
              TensorNear(torch::zeros({1, 2}), 0));
  EXPECT_THROW(PartShares(black, LeftHalf(), maps.slice(1, 0, 1)), c10::Error);
  EXPECT_THROW(PartShares(black, LeftHalf(), maps.slice(2, 0, 2)), c10::Error);
}

TEST(BalanceLoss, CountsThePartsInUse) {
  const Tensor shares =
      torch::tensor({{1.f, 0.f, 0.f, 0.f}, {0.25f, 0.25f, 0.25f, 0.25f}});
  // log 4 for the one, 0 for the other; 1e-6 beside each share.
  EXPECT_NEAR(BalanceLoss(shares).item<float>(), std::log(4.) / 2, 1e-5);
  EXPECT_NEAR(PartsInUse(shares).item<float>(), (1 + 4) / 2., 1e-4);
}

TEST(BalanceLoss, WakesAPartThatHasNothing) {
  const Tensor logits = torch::zeros({1, 3, 4, 8});
  logits.select(1, 2).fill_(-5);
  logits.set_requires_grad(true);
  BalanceLoss(
      PartShares(torch::zeros({1, 3, 4, 8}), LeftHalf(), logits.softmax(1)))
      .backward();
  const Tensor sleeper = logits.grad().select(1, 2);
  EXPECT_LT(sleeper.slice(2, 0, 4).max().item<float>(), 0);
  // Nothing is asked of pixels that stay as they are.
  EXPECT_EQ(sleeper.slice(2, 4, 8).abs().max().item<float>(), 0);
}

TEST(BackgroundLoss, IsZeroForInverses) {
  const Tensor there = torch::tensor(
      {{{2., 0., 0.5}, {0., 4., -1.}, {0., 0., 1.}}}, torch::kFloat32);
  EXPECT_EQ(BackgroundLoss(there, there.inverse()).item<float>(), 0);
  // I - there^2: diagonal -3, -15, 0, and offsets -1.5, 5.
  EXPECT_NEAR(BackgroundLoss(there, there).item<float>(), 24.5 / 9, 1e-6);
}

TEST(EquivarianceLoss, IsZeroForKeypointsThatMoveWithThePicture) {
  const keypoints::RandomTps tps = keypoints::RandomTps::Sample(
      2, keypoints::RandomTpsOptions(), at::detail::createCPUGenerator(5));
  const Tensor transformed = FillSigned("transformed", {2, 10, 2});
  const Tensor driving = tps.WarpCoordinates(transformed);
  EXPECT_EQ(EquivarianceLoss(driving, transformed, tps).item<float>(), 0);
  EXPECT_NEAR(EquivarianceLoss(driving + 0.25, transformed, tps).item<float>(),
              0.25, 1e-6);
}

TEST(PerceptualLoss, IsZeroForEqualPicturesAndWeighsItsTerms) {
  torch::manual_seed(6);
  PerceptualOptions options;
  options.scales = {1, 0.5};
  options.layer_weights = {1, 2, 3, 4, 5};
  PerceptualLoss loss(options);
  const Tensor real = FillUniform("real", {1, 3, 32, 32});
  const Tensor generated = FillUniform("generated", {1, 3, 32, 32});
  // The features of the real picture need no gradient; kernels for that round
  // otherwise. Features are of a size of 1.
  EXPECT_NEAR(loss(real, real).total.item<float>(), 0, 1e-5);

  const PerceptualOutput output = loss(real, generated);
  ASSERT_EQ(output.terms.size(), 10);
  double sum = 0;
  for (const PerceptualOutput::Term& term : output.terms) {
    sum += options.layer_weights[term.layer] * term.value.item<double>();
  }
  // Ten float32 additions.
  EXPECT_NEAR(output.total.item<double>(), sum, 1e-5 * sum);
  EXPECT_EQ(output.terms.back().scale, 0.5);
}

TEST(PerceptualLoss, ReachesTheGeneratedPictureOnly) {
  torch::manual_seed(7);
  PerceptualOptions options;
  options.scales = {1};
  PerceptualLoss loss(options);
  const Tensor real = FillUniform("real", {1, 3, 32, 32}).requires_grad_();
  const Tensor generated =
      FillUniform("generated", {1, 3, 32, 32}).requires_grad_();
  loss(real, generated).total.backward();
  EXPECT_FALSE(real.grad().defined());
  EXPECT_GT(generated.grad().abs().sum().item<double>(), 0);
  for (const Tensor& parameter : loss->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

// --- The original's numbers ------------------------------------------------

TEST(PerceptualGolden, EveryTermAndTheGradient) {
  const Golden golden = Load("networks/testdata/vgg_perceptual.safetensors");
  PerceptualLoss loss{PerceptualOptions()};
  FillModule("vgg/", *loss->vgg());
  const Tensor real = FillUniform("input/vgg2", {1, 3, 128, 128});
  const Tensor generated =
      FillUniform("input/vgg", {1, 3, 128, 128}).requires_grad_();
  const PerceptualOutput output = loss(real, generated);
  const std::vector<std::string> scales = {"1", "0.5", "0.25", "0.125"};
  for (size_t i = 0; i < output.terms.size(); ++i) {
    const std::string name = "pyr.term_" + scales[i / 5] + "_" +
                             std::to_string(output.terms[i].layer);
    EXPECT_TRUE(golden.Matches(name, output.terms[i].value.view({1}), kTol));
  }
  EXPECT_TRUE(golden.Matches("pyr.perceptual", output.total.view({1}), kTol));
  const Tensor gradient = torch::autograd::grad({output.total}, {generated})[0];
  EXPECT_TRUE(
      golden.Matches("pyr.grad_generated_l2", gradient.norm().view({1}), kTol));
  EXPECT_TRUE(golden.Matches("pyr.grad_generated", gradient, kKinkTol));
}

// One step of the original's GeneratorFullModel in train mode, from the folders
// at and above this one: CPAB grids are given, so the model itself
// (//pipelines) is not needed.
class TrainingStepGolden : public ::testing::Test {
 protected:
  using Named = std::vector<std::pair<std::string, Tensor>>;

  TrainingStepGolden()
      : golden_(Load("losses/testdata/full_losses.safetensors")) {
    networks::DenseMotionOptions dense;
    dense.num_transforms = 3;
    dense.block_expansion = 8;
    dense.num_blocks = 3;
    dense.max_features = 64;
    dense_ = networks::DenseMotionNetwork(dense);
    networks::InpaintingOptions inpainting;
    inpainting.block_expansion = 8;
    inpainting.max_features = 32;
    inpainting_ = networks::InpaintingNetwork(inpainting);
    FillModule("kp_detector/", *detector_);
    FillModule("bg_predictor/", *background_);
    FillModule("dense/", *dense_);
    FillModule("inpainting/", *inpainting_);
    FillModule("vgg/", *perceptual_->vgg());
  }

  Tensor Candidates(const Tensor& background) const {
    const Tensor identity = networks::AffineGrid(background, 32, 32);
    return torch::cat({identity.unsqueeze(1), golden_.tensor("grid_partial"),
                       golden_.tensor("grid_global")},
                      /*dim=*/1);
  }

  // Runs the step's forward part; weighted losses by name.
  Named Losses() {
    const Tensor source_points = detector_(source_);
    const Tensor driving_points = detector_(driving_);
    const Tensor background = background_(source_, driving_);
    // Epoch 5: p = min(5 / 10 * 0.3 + 0.1, 0.3).
    const Tensor keep = golden_.tensor("dropout_rand") < 1 - 0.25;
    const networks::DenseMotionOutput motion = dense_(
        dense_->Downsample(source_),
        keypoints::HeatmapDifference(driving_points, source_points, 32, 32),
        Candidates(background), keep);
    const networks::InpaintingOutput painted =
        inpainting_(source_, motion.source_from_driving, motion.occlusion_maps);
    const keypoints::RandomTps tps(
        golden_.tensor("tps.theta"),
        golden_.tensor("tps.control_params").flatten(1));
    const Tensor transformed_frame = tps.TransformFrame(driving_);
    const Tensor transformed_points = detector_(transformed_frame);

    EXPECT_TRUE(golden_.Matches("kp_source", source_points, kTol));
    EXPECT_TRUE(golden_.Matches("kp_driving", driving_points, kTol));
    EXPECT_TRUE(golden_.Matches("prediction", painted.prediction, kTol));
    EXPECT_TRUE(golden_.Matches("transformed_frame", transformed_frame, kTol));
    EXPECT_TRUE(golden_.Matches("transformed_kp", transformed_points, kTol));

    return {{"perceptual", perceptual_(driving_, painted.prediction).total},
            {"equivariance_value",
             10 * EquivarianceLoss(driving_points, transformed_points, tps)},
            {"warp_loss", 10 * WarpLoss(inpainting_->EncodeDriving(
                                            driving_, motion.occlusion_maps),
                                        painted.warped_encoder_maps)},
            {"bg",
             10 * BackgroundLoss(background, background_(driving_, source_))}};
  }

  // What the golden data take gradients for.
  std::vector<std::pair<std::string, std::vector<Tensor>>> Groups() const {
    return {
        {"kp", detector_->parameters()}, {"bg", background_->parameters()},
        {"dense", dense_->parameters()}, {"inpaint", inpainting_->parameters()},
        {"source", {source_}},           {"driving", {driving_}}};
  }

  // For each group, all gradients of `loss` as one vector: [0] where it does
  // not reach.
  Named GroupGradients(const Tensor& loss) const {
    std::vector<Tensor> all;
    for (const auto& group : Groups()) {
      all.insert(all.end(), group.second.begin(), group.second.end());
    }
    const std::vector<Tensor> gradients =
        torch::autograd::grad({loss}, all, {}, /*retain_graph=*/true,
                              /*create_graph=*/false, /*allow_unused=*/true);
    Named result;
    size_t next = 0;
    for (const auto& [name, parameters] : Groups()) {
      std::vector<Tensor> parts = {torch::zeros({1})};
      for (size_t i = 0; i < parameters.size(); ++i, ++next) {
        if (gradients[next].defined()) {
          parts.push_back(gradients[next].flatten());
        }
      }
      result.emplace_back(name, torch::cat(parts));
    }
    return result;
  }

  Golden golden_;
  Tensor source_ =
      FillUniform("input/source", {2, 3, 128, 128}).requires_grad_();
  Tensor driving_ =
      FillUniform("input/driving", {2, 3, 128, 128}).requires_grad_();
  keypoints::RegressionDetector detector_{3};
  networks::BackgroundPredictor background_;
  networks::DenseMotionNetwork dense_ = nullptr;
  networks::InpaintingNetwork inpainting_ = nullptr;
  PerceptualLoss perceptual_{PerceptualOptions()};
};

TEST_F(TrainingStepGolden, LossesGradientsAndStatistics) {
  Tensor total = torch::zeros({});
  for (const auto& [name, loss] : Losses()) {
    EXPECT_TRUE(golden_.Matches("loss." + name, loss.view({1}), kTol));
    total = total + loss;
    for (const auto& [group, gradient] : GroupGradients(loss)) {
      EXPECT_TRUE(golden_.Matches("gradnorm." + name + "." + group,
                                  gradient.norm().view({1}), kKinkTol));
    }
  }
  EXPECT_TRUE(golden_.Matches("loss.total", total.view({1}), kTol));
  // Three runs of the detector moved its statistics three times.
  const auto statistics = detector_->named_buffers();
  EXPECT_TRUE(golden_.Matches("kp_bn1_running_mean_after",
                              statistics["fg_encoder.bn1.running_mean"], kTol));
  EXPECT_EQ(statistics["fg_encoder.bn1.num_batches_tracked"].item<int64_t>(),
            3);

  total.backward();
  for (const auto& [group, parameters] : Groups()) {
    if (group == "source" || group == "driving") continue;
    double largest = 0;
    for (const Tensor& parameter : parameters) {
      if (!parameter.grad().defined()) continue;
      largest = std::max(largest, parameter.grad().abs().max().item<double>());
    }
    EXPECT_TRUE(golden_.Matches("gradnorm_inf.total." + group,
                                torch::full({1}, largest), kKinkTol));
  }
  const auto expect_gradient = [&](const std::string& name,
                                   const torch::nn::Module& module,
                                   const std::string& key) {
    EXPECT_TRUE(golden_.Matches(
        "grad.total." + name, module.named_parameters()[key].grad(), kKinkTol));
  };
  expect_gradient("kp.fc.bias", *detector_, "fg_encoder.fc.bias");
  expect_gradient("dense.maps.bias", *dense_, "maps.bias");
  expect_gradient("inpaint.final.weight", *inpainting_, "final.weight");
  expect_gradient("bg.fc.bias", *background_, "bg_encoder.fc.bias");
}

}  // namespace
}  // namespace losses
