// The original's whole training step: all networks, all losses, CPAB grids
// given. testdata/README.md says where the numbers come from.
#include <torch/autograd.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "keypoints/regression_detector.h"
#include "keypoints/tps.h"
#include "losses/background_consistency.h"
#include "losses/equivariance.h"
#include "losses/feature_warp.h"
#include "losses/perceptual.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"

namespace losses {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using networks::test_util::LoadGolden;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kTol = 1e-4;
// Relative, for gradients through many ReLUs and |.|, which change by whole
// terms where a kink flips. The original's own float32 and float64 runs of the
// training step differ by up to 1e-3 in norms and 7e-3 in elements; ours from
// the stored ones by up to 2e-3 and 1e-2.
constexpr double kKinkTol = 2e-2;

// One step of the original's GeneratorFullModel in train mode, from the folders
// at and above this one: CPAB grids are given, so the model itself
// (//pipelines) is not needed.
class TrainingStepGolden : public ::testing::Test {
 protected:
  using Named = std::vector<std::pair<std::string, Tensor>>;

  TrainingStepGolden()
      : golden_(LoadGolden("losses/testdata/full_losses.safetensors")) {
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
