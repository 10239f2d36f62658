// A training step of the thin-plate-spline predecessor: all of its losses, and
// their gradients, which run through its splines to both keypoint sets.
// testdata/README.md says where the numbers come from.
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "keypoints/tps.h"
#include "losses/background_consistency.h"
#include "losses/equivariance.h"
#include "losses/feature_warp.h"
#include "losses/perceptual.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/narrow_model.h"

namespace pipelines {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using torch::Tensor;

// As in losses/training_step_test.cc: sums in another order, and gradients that
// change by whole terms where the kink of a ReLU or of |.| flips.
constexpr double kTol = 1e-4;
constexpr double kKinkTol = 2e-2;

std::shared_ptr<AnimationModel> FilledModel() {
  ModelConfig config = NarrowPredecessor(3);
  config.set_gradient(ModelConfig::IMPLICIT);
  auto model = *AnimationModel::Create(config);
  const ModelParts parts = model->parts();
  FillModule("kp_detector/", parts.detector);
  FillModule("bg_predictor/", *parts.background);
  FillModule("dense/", *parts.dense_motion);
  FillModule("inpainting/", *parts.inpainting);
  model->train();
  return model;
}

class PredecessorStep : public testing::Test {
 protected:
  using Named = std::vector<std::pair<std::string, Tensor>>;

  PredecessorStep()
      : golden_(*Golden::Load(
            "pipelines/training/testdata/tps_losses.safetensors")) {
    FillModule("vgg/", *perceptual_->vgg());
  }

  void Expect(const std::string& name, const Tensor& actual,
              double tolerance = kTol) const {
    EXPECT_TRUE(golden_.MatchesInFloat32(name, actual, tolerance));
  }

  // Runs the forward part; weighted losses by name.
  Named Losses() {
    const PreparedSource source = model_->LocateSource(source_);
    source_points_ = source.keypoints;
    driving_points_ = model_->DetectKeypoints(driving_);
    MoveOptions options;
    options.background = model_->PredictBackground(source_, driving_);
    // Epoch 5: p = min(5 / 10 * 0.3 + 0.1, 0.3).
    options.keep = golden_.tensor("dropout_rand") < 1 - 0.25;
    const Motion motion = model_->Move(source, driving_points_, options);
    const networks::InpaintingOutput painted =
        model_->Paint(source, motion, /*with_warped_encoder_maps=*/true);
    const keypoints::RandomTps tps(
        golden_.tensor("tps.theta"),
        golden_.tensor("tps.control_params").flatten(1));
    const Tensor transformed_frame = tps.TransformFrame(driving_);
    const Tensor transformed_points =
        model_->DetectKeypoints(transformed_frame);

    Expect("kp_source", source_points_);
    Expect("kp_driving", driving_points_);
    Expect("contribution_maps", motion.blend.contribution_maps);
    Expect("deformed", painted.deformed_source);
    Expect("prediction", painted.prediction);
    Expect("transformed_frame", transformed_frame);
    Expect("transformed_kp", transformed_points);
    return {{"perceptual", perceptual_(driving_, painted.prediction).total},
            {"equivariance_value",
             10 * losses::EquivarianceLoss(driving_points_, transformed_points,
                                           tps)},
            {"warp_loss",
             10 * losses::WarpLoss(model_->EncodeDriving(driving_, motion),
                                   painted.warped_encoder_maps)},
            {"bg", 10 * losses::BackgroundLoss(
                            options.background,
                            model_->PredictBackground(driving_, source_))}};
  }

  // What the golden data take gradients for.
  std::vector<std::pair<std::string, std::vector<Tensor>>> Groups() {
    const ModelParts parts = model_->parts();
    return {{"kp", parts.detector.parameters()},
            {"bg", parts.background->parameters()},
            {"dense", parts.dense_motion->parameters()},
            {"inpaint", parts.inpainting->parameters()},
            {"source", {source_}},
            {"driving", {driving_}}};
  }

  // The gradients of `loss`, zeros where it does not reach.
  static std::vector<Tensor> Gradients(const Tensor& loss,
                                       const std::vector<Tensor>& of) {
    std::vector<Tensor> gradients =
        torch::autograd::grad({loss}, of, {}, /*retain_graph=*/true,
                              /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < of.size(); ++i) {
      if (!gradients[i].defined()) gradients[i] = torch::zeros_like(of[i]);
    }
    return gradients;
  }

  static Tensor NormOfAll(const std::vector<Tensor>& tensors) {
    Tensor sum = torch::zeros({1});
    for (const Tensor& tensor : tensors) sum = sum + tensor.square().sum();
    return sum.sqrt();
  }

  const Golden golden_;
  const std::shared_ptr<AnimationModel> model_ = FilledModel();
  losses::PerceptualLoss perceptual_{losses::PerceptualOptions()};
  Tensor source_ =
      FillUniform("input/source", {2, 3, 128, 128}).requires_grad_();
  Tensor driving_ =
      FillUniform("input/driving", {2, 3, 128, 128}).requires_grad_();
  Tensor source_points_, driving_points_;
};

TEST_F(PredecessorStep, HasLossesGradientsAndStatisticsOfTheOriginal) {
  Tensor total = torch::zeros({});
  for (const auto& [name, loss] : Losses()) {
    Expect("loss." + name, loss.view({1}));
    total = total + loss;
    // Of all at once: each call goes through the whole graph.
    std::vector<Tensor> of = {source_points_, driving_points_};
    for (const auto& [group, parameters] : Groups()) {
      of.insert(of.end(), parameters.begin(), parameters.end());
    }
    const std::vector<Tensor> gradients = Gradients(loss, of);
    auto next = gradients.begin() + 2;
    for (const auto& [group, parameters] : Groups()) {
      const auto end = next + static_cast<int64_t>(parameters.size());
      Expect("gradnorm." + name + "." + group, NormOfAll({next, end}),
             kKinkTol);
      next = end;
    }
    // Those through the splines, and of the equivariance loss.
    if (name == "bg") continue;
    Expect("grad." + name + ".kp_driving", gradients[1], kKinkTol);
    if (name == "equivariance_value") continue;
    Expect("grad." + name + ".kp_source", gradients[0], kKinkTol);
  }
  Expect("loss.total", total.view({1}));

  total.backward();
  for (const auto& [group, parameters] : Groups()) {
    if (group == "source" || group == "driving") continue;
    double largest = 0;
    for (const Tensor& parameter : parameters) {
      if (!parameter.grad().defined()) continue;
      largest = std::max(largest, parameter.grad().abs().max().item<double>());
    }
    Expect("gradnorm_inf.total." + group, torch::full({1}, largest), kKinkTol);
  }
  const auto gradient = [&](const std::string& key) {
    return model_->named_parameters()[key].grad();
  };
  Expect("grad.total.kp.fc.bias", gradient("kp_detector.fg_encoder.fc.bias"),
         kKinkTol);
  Expect("grad.total.dense.maps.bias",
         gradient("dense_motion_network.maps.bias"), kKinkTol);
  Expect("grad.total.inpaint.final.weight",
         gradient("inpainting_network.final.weight"), kKinkTol);
  Expect("grad.total.bg.fc.bias", gradient("bg_predictor.bg_encoder.fc.bias"),
         kKinkTol);

  // Three runs of the detector have moved its statistics three times.
  const auto statistics = model_->named_buffers();
  Expect("kp_bn1_running_mean_after",
         statistics["kp_detector.fg_encoder.bn1.running_mean"]);
  EXPECT_EQ(statistics["kp_detector.fg_encoder.bn1.num_batches_tracked"]
                .item<int64_t>(),
            3);
}

}  // namespace
}  // namespace pipelines
