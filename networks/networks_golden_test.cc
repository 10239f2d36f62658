// Every network against the original's numbers: outputs, gradients, in eval
// and in train mode. testdata/README.md says where they come from.
//
// Tolerance: two correct float32 programs differ by the rounding of sums in a
// different order. The original's own float32 and float64 runs (metadata
// *.f32_vs_f64_maxabs) differ by up to 1e-6 of a typical element in outputs;
// 1e-4 leaves room for other processors' kernels. Gradients through ReLU and
// abs change by whole terms where a kink flips: single elements are then up to
// kKinkTol off, their norms are not.
#include <torch/autograd.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "networks/antialias.h"
#include "networks/avd.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/hourglass.h"
#include "networks/inpainting.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/vgg.h"

namespace networks {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::FillUniform;
using test_util::Golden;
using torch::Tensor;

constexpr double kTol = 1e-4;
constexpr double kKinkTol = 1e-2;

Golden Load(const std::string& name) {
  return test_util::LoadGolden("networks/testdata/" + name + ".safetensors");
}

// sum(out * C), where C is the golden data's cotangent of that name.
Tensor Contract(const Tensor& out, const std::string& cotangent) {
  return (out * FillSigned("cot/" + cotangent, out.sizes())).sum();
}

// Euclidean norm, shaped as the golden data store it.
Tensor Norm(const Tensor& x) { return x.norm().view({1}); }

Tensor Gradient(const Tensor& loss, const Tensor& x) {
  return torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
}

Tensor Parameter(const torch::nn::Module& module, const std::string& key) {
  return module.named_parameters()[key];
}

TEST(AntiAliasGolden, DownsamplesAsTheOriginal) {
  const Golden golden =
      test_util::LoadGolden("networks/testing/testdata/util_ops.safetensors");
  const Tensor x = FillUniform("input/aa", {2, 3, 40, 48}).requires_grad_();
  for (const auto& [scale, name] : std::vector<std::pair<double, std::string>>{
           {0.5, "aa_0.5"}, {0.25, "aa_0.25"}, {0.125, "aa_0.125"}}) {
    AntiAliasInterpolation2d down(/*num_channels=*/3, scale);
    const Tensor out = down(x);
    EXPECT_TRUE(golden.Matches(name + ".kernel",
                               down->named_buffers()["weight"][0][0], kTol));
    EXPECT_TRUE(golden.Matches(name + ".out", out, kTol));
    EXPECT_TRUE(golden.Matches(name + ".grad_input",
                               Gradient(Contract(out, "aa"), x), kTol));
  }
}

TEST(HourglassGolden, DecodesAsTheOriginal) {
  HourglassOptions options;
  options.in_channels = 10;
  options.block_expansion = 8;
  options.num_blocks = 3;
  options.max_features = 64;
  Hourglass hourglass(options);
  FillModule("hg/", *hourglass);
  const Golden golden = Load("hourglass");
  const Tensor x = FillSigned("input/hg", {2, 10, 32, 32}).requires_grad_();
  const std::vector<Tensor> maps = hourglass(x);
  Tensor loss = torch::zeros({});
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_TRUE(golden.Matches("out" + std::to_string(i), maps[i], kTol));
    loss = loss + Contract(maps[i], "hg" + std::to_string(i));
  }
  EXPECT_EQ(hourglass->out_channels(), (std::vector<int64_t>{64, 64, 32, 18}));
  EXPECT_TRUE(golden.Matches("grad_input", Gradient(loss, x), kTol));
  EXPECT_TRUE(golden.Matches(
      "grad_enc0_conv_l2",
      Norm(Gradient(
          loss, Parameter(*hourglass, "encoder.down_blocks.0.conv.weight"))),
      kTol));
  hourglass->eval();
  const torch::NoGradGuard no_grad;
  const std::vector<Tensor> in_inference = hourglass(x);
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_TRUE(
        golden.Matches("out" + std::to_string(i), in_inference[i], kTol));
  }
}

struct Mode {
  std::string name;  // "eval" or "train"
  torch::ScalarType dtype;
};

// In train mode the batch norms of these two networks see as few as 4 values a
// channel, and a ReLU whose kink flips changes the whole gradient by 2 %. The
// golden float32 run agrees with its float64 twin to 4e-6, so gradients are
// compared element by element in float64, and by norm in both.
class ModeGolden : public ::testing::TestWithParam<Mode> {
 protected:
  std::string Name(const std::string& name) const {
    return GetParam().name + "." + name;
  }
  bool train() const { return GetParam().name == "train"; }
  torch::ScalarType dtype() const { return GetParam().dtype; }
  bool kinks_may_flip() const { return train() && dtype() == torch::kFloat32; }
};

INSTANTIATE_TEST_SUITE_P(Modes, ModeGolden,
                         ::testing::Values(Mode{"eval", torch::kFloat32},
                                           Mode{"train", torch::kFloat32},
                                           Mode{"train", torch::kFloat64}),
                         [](const auto& info) {
                           return info.param.name +
                                  std::string(toString(info.param.dtype));
                         });

TEST_P(ModeGolden, BackgroundPredictor) {
  BackgroundPredictor predictor;
  FillModule("bg_predictor/", *predictor);
  predictor->train(train());
  predictor->to(dtype());
  const Golden golden = Load("bg_predictor");
  const Tensor source = FillUniform("input/bg_source", {2, 3, 64, 64})
                            .to(dtype())
                            .requires_grad_();
  const Tensor driving =
      FillUniform("input/bg_driving", {2, 3, 64, 64}).to(dtype());
  const Tensor out = predictor(source, driving);
  const Tensor loss = Contract(out, "bg");
  EXPECT_TRUE(golden.Matches(Name("bg_param"), out, kTol));
  EXPECT_TRUE(golden.Matches(Name("grad_source_l2"),
                             Norm(Gradient(loss, source)), kTol));
  EXPECT_TRUE(golden.Matches(
      Name("grad_fc_weight_l2"),
      Norm(Gradient(loss, Parameter(*predictor, "bg_encoder.fc.weight"))),
      kTol));
  if (kinks_may_flip()) return;
  EXPECT_TRUE(golden.Matches(
      Name("grad_conv1"),
      Gradient(loss, Parameter(*predictor, "bg_encoder.conv1.weight")), kTol));
}

TEST_P(ModeGolden, Avd) {
  AvdNetwork avd(AvdOptions{});
  FillModule("avd/", *avd);
  avd->train(train());
  avd->to(dtype());
  const Golden golden = Load("avd");
  const Tensor source =
      FillSigned("input/avd_source", {4, 50, 2}).to(dtype()).requires_grad_();
  const Tensor random = FillSigned("input/avd_random", {4, 50, 2}).to(dtype());
  const Tensor out = avd(source, random);
  const Tensor loss = torch::l1_loss(out, random);
  EXPECT_TRUE(golden.Matches(Name("fg_kp"), out, kTol));
  EXPECT_TRUE(golden.Matches(Name("l1_to_random"), loss.view({1}), kTol));
  EXPECT_TRUE(
      golden.Matches(Name("grad_source"), Gradient(loss, source), kTol));
  EXPECT_TRUE(golden.Matches(
      Name("grad_decoder0_weight_l2"),
      Norm(Gradient(loss, Parameter(*avd, "decoder.0.weight"))), kTol));
}

// The heatmap difference, by its definition; keypoints/heatmap.h is above us.
Tensor HeatmapDifference(const Tensor& driving, const Tensor& source,
                         int64_t height, int64_t width) {
  const Tensor grid = CoordinateGrid(height, width, driving.options());
  const auto heatmaps = [&](const Tensor& points) {
    const Tensor offset = grid - points.unsqueeze(2).unsqueeze(2);
    return torch::exp(-offset.square().sum(-1) / (2 * 0.01));
  };
  return torch::cat(
      {torch::zeros({driving.size(0), 1, height, width}, driving.options()),
       heatmaps(driving) - heatmaps(source)},
      /*dim=*/1);
}

struct DenseMotionCase {
  bool multi_mask;
  std::string variant;  // "bg", "nobg" or "drop"
};

class DenseMotionGolden : public ::testing::TestWithParam<DenseMotionCase> {
 protected:
  DenseMotionGolden()
      : golden_(Load(GetParam().multi_mask ? "dense_motion_mm1"
                                           : "dense_motion_mm0")) {
    DenseMotionOptions options;
    options.num_transforms = 3;
    options.block_expansion = 8;
    options.max_features = 64;
    options.num_blocks = 3;
    options.multi_mask = GetParam().multi_mask;
    network_ = DenseMotionNetwork(options);
    FillModule("dense/", *network_);
  }

  std::string Name(const std::string& name) const {
    return GetParam().variant + "." + name;
  }

  Tensor Candidates(torch::Dtype dtype) const {
    const bool moving = GetParam().variant != "nobg";
    const Tensor matrix =
        moving ? golden_.tensor("bg_param") : torch::eye(3).expand({2, 3, 3});
    return torch::cat({AffineGrid(matrix.to(dtype), 16, 16).unsqueeze(1),
                       golden_.tensor("grid_partial").to(dtype),
                       golden_.tensor("grid_global").to(dtype)},
                      /*dim=*/1);
  }

  Tensor Keep() const {
    if (GetParam().variant != "drop") return {};
    return golden_.tensor("dropout_rand") < 1 - 0.3;
  }

  DenseMotionOutput Run(torch::Dtype dtype) {
    network_->to(dtype);
    source_ =
        FillUniform("input/source", {2, 3, 64, 64}).to(dtype).requires_grad_();
    driving_points_ = golden_.tensor("kp_driving").to(dtype).requires_grad_();
    return network_(
        network_->Downsample(source_),
        HeatmapDifference(driving_points_,
                          golden_.tensor("kp_source").to(dtype), 16, 16),
        Candidates(dtype), Keep());
  }

  // Compares each output and returns what the golden data differentiate.
  Tensor CheckOutputs(const DenseMotionOutput& output) const {
    std::vector<std::pair<std::string, Tensor>> parts = {
        {"deformation", output.source_from_driving},
        {"contribution_maps", output.contribution_maps},
        {"deformed_source", output.deformed_source}};
    for (size_t i = 0; i < output.occlusion_maps.size(); ++i) {
      parts.emplace_back("occlusion_map." + std::to_string(i),
                         output.occlusion_maps[i]);
    }
    EXPECT_EQ(output.occlusion_maps.size(), GetParam().multi_mask ? 4 : 1);
    Tensor loss = torch::zeros({}, output.source_from_driving.options());
    for (const auto& [name, value] : parts) {
      EXPECT_TRUE(value.scalar_type() == torch::kFloat64
                      ? golden_.MatchesInFloat64(Name(name), value, kTol)
                      : golden_.Matches(Name(name), value, kTol));
      loss = loss + Contract(value, "dm_" + name);
    }
    return loss;
  }

  Golden golden_;
  DenseMotionNetwork network_ = nullptr;
  Tensor source_;
  Tensor driving_points_;
};

INSTANTIATE_TEST_SUITE_P(Variants, DenseMotionGolden,
                         ::testing::Values(DenseMotionCase{true, "bg"},
                                           DenseMotionCase{true, "nobg"},
                                           DenseMotionCase{true, "drop"},
                                           DenseMotionCase{false, "bg"},
                                           DenseMotionCase{false, "nobg"},
                                           DenseMotionCase{false, "drop"}),
                         [](const auto& info) {
                           return info.param.variant +
                                  (info.param.multi_mask ? "_mm1" : "_mm0");
                         });

TEST_P(DenseMotionGolden, Outputs) {
  CheckOutputs(Run(torch::kFloat32));
  network_->eval();
  const torch::NoGradGuard no_grad;
  CheckOutputs(Run(torch::kFloat32));
}

// In float64: rounding in float32 differs from that of the original's
// convolutions, and one ReLU in the bottleneck that opens or closes for it
// moves gradients by a per cent. Inputs and weights are the float32 numbers of
// the original; from there on all is float64.
TEST_P(DenseMotionGolden, Gradients) {
  const Tensor loss = CheckOutputs(Run(torch::kFloat64));
  EXPECT_TRUE(golden_.MatchesInFloat64(Name("grad_source_l2"),
                                       Norm(Gradient(loss, source_)), kTol));
  EXPECT_TRUE(golden_.MatchesInFloat64(Name("grad_kp_driving"),
                                       Gradient(loss, driving_points_), kTol));
  EXPECT_TRUE(golden_.MatchesInFloat64(
      Name("grad_maps_weight_l2"),
      Norm(Gradient(loss, Parameter(*network_, "maps.weight"))), kTol));
  EXPECT_TRUE(golden_.MatchesInFloat64(
      Name("grad_maps_bias"), Gradient(loss, Parameter(*network_, "maps.bias")),
      kTol));
}

class InpaintingGolden : public ::testing::TestWithParam<bool> {
 protected:
  InpaintingGolden()
      : golden_(Load(GetParam() ? "inpainting_mm1" : "inpainting_mm0")),
        source_(FillUniform("input/source", {2, 3, 64, 64}).requires_grad_()),
        source_from_driving_(golden_.tensor("deformation").requires_grad_()) {
    InpaintingOptions options;
    options.block_expansion = 8;
    options.max_features = 32;
    options.multi_mask = GetParam();
    network_ = InpaintingNetwork(options);
    FillModule("inpainting/", *network_);
    const std::vector<int64_t> sizes = GetParam()
                                           ? std::vector<int64_t>{8, 16, 32, 64}
                                           : std::vector<int64_t>{16};
    for (size_t i = 0; i < sizes.size(); ++i) {
      occlusion_.push_back(FillUniform("input/occ" + std::to_string(i),
                                       {2, 1, sizes[i], sizes[i]})
                               .requires_grad_());
    }
  }

  Golden golden_;
  Tensor source_;
  Tensor source_from_driving_;
  std::vector<Tensor> occlusion_;
  InpaintingNetwork network_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(MultiMask, InpaintingGolden, ::testing::Bool());

// What the original has for four occlusion maps only.
class WarpedMapsGolden : public InpaintingGolden {};
INSTANTIATE_TEST_SUITE_P(MultiMask, WarpedMapsGolden, ::testing::Values(true));

TEST_P(InpaintingGolden, Outputs) {
  for (const bool train : {true, false}) {
    network_->train(train);
    const torch::AutoGradMode gradients(train);
    const InpaintingOutput output =
        network_(source_, source_from_driving_, occlusion_);
    EXPECT_TRUE(golden_.Matches("prediction", output.prediction, kTol));
    EXPECT_TRUE(golden_.Matches("deformed", output.deformed_source, kTol));
    ASSERT_EQ(output.warped_encoder_maps.size(), 4);
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(golden_.Matches("warped_encoder_maps." + std::to_string(i),
                                  output.warped_encoder_maps[i], kTol));
    }
  }
}

// In float64, as DenseMotionGolden.
TEST_P(InpaintingGolden, Gradients) {
  network_->to(torch::kFloat64);
  source_ = source_.detach().to(torch::kFloat64).requires_grad_();
  source_from_driving_ =
      source_from_driving_.detach().to(torch::kFloat64).requires_grad_();
  for (Tensor& map : occlusion_) {
    map = map.detach().to(torch::kFloat64).requires_grad_();
  }
  const Tensor prediction =
      network_(source_, source_from_driving_, occlusion_).prediction;
  const Tensor loss = Contract(prediction, "pred");
  EXPECT_TRUE(golden_.MatchesInFloat64("pred_grad_source_l2",
                                       Norm(Gradient(loss, source_)), kTol));
  EXPECT_TRUE(golden_.MatchesInFloat64(
      "pred_grad_deformation", Gradient(loss, source_from_driving_), kTol));
  for (size_t i = 0; i < occlusion_.size(); ++i) {
    EXPECT_TRUE(
        golden_.MatchesInFloat64("pred_grad_occ" + std::to_string(i) + "_l2",
                                 Norm(Gradient(loss, occlusion_[i])), kTol));
  }
  EXPECT_TRUE(golden_.MatchesInFloat64(
      "pred_grad_first_conv_weight",
      Gradient(loss, Parameter(*network_, "first.conv.weight")), kTol));
}

TEST_P(WarpedMapsGolden, EncodesTheDrivingFrame) {
  const std::vector<Tensor> maps = network_->EncodeDriving(
      FillUniform("input/driving", {2, 3, 64, 64}), occlusion_);
  ASSERT_EQ(maps.size(), 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(maps[i].requires_grad());
    EXPECT_TRUE(
        golden_.Matches("get_encode." + std::to_string(i), maps[i], kTol));
  }
}

TEST_P(WarpedMapsGolden, ReachTheDeformationOnly) {
  const std::vector<Tensor> targets = network_->EncodeDriving(
      FillUniform("input/driving", {2, 3, 64, 64}), occlusion_);
  const InpaintingOutput output =
      network_(source_, source_from_driving_, occlusion_);
  Tensor loss = torch::zeros({});
  for (int i = 0; i < 4; ++i) {
    loss = loss + torch::l1_loss(targets[i], output.warped_encoder_maps[3 - i]);
  }
  EXPECT_TRUE(golden_.Matches("warp_loss_unweighted", loss.view({1}), kTol));
  EXPECT_TRUE(golden_.Matches("warp_grad_deformation",
                              Gradient(loss, source_from_driving_), kTol));
  std::vector<Tensor> others = network_->parameters();
  others.insert(others.end(), occlusion_.begin(), occlusion_.end());
  others.push_back(source_);
  for (const Tensor& gradient :
       torch::autograd::grad({loss}, others, {}, /*retain_graph=*/true,
                             /*create_graph=*/false, /*allow_unused=*/true)) {
    EXPECT_FALSE(gradient.defined());
  }
}

TEST(Vgg19Golden, SlicesAndGradient) {
  Vgg19 vgg;
  FillModule("vgg/", *vgg);
  const Golden golden = Load("vgg_perceptual");
  const Tensor image =
      FillUniform("input/vgg", {1, 3, 128, 128}).requires_grad_();
  const auto maps = vgg(image);
  Tensor loss = torch::zeros({});
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_TRUE(golden.Matches("slice" + std::to_string(i + 1), maps[i], kTol));
    loss = loss + Contract(maps[i], "vgg" + std::to_string(i));
  }
  EXPECT_TRUE(golden.Matches("grad_input", Gradient(loss, image), kKinkTol));
}

}  // namespace
}  // namespace networks
