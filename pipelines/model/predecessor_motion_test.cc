// From keypoints to deformation and occlusion as in the thin-plate-spline
// predecessor: its dense motion with the motion model that its weights are
// trained with, every intermediate and all gradients.
// testdata/README.md says where the numbers come from.
#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "networks/blocks.h"
#include "networks/dense_motion.h"
#include "networks/hourglass.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/model/candidate_motions.h"
#include "pipelines/model/model_options.h"
#include "pipelines/model/thin_plate_original.h"
#include "pipelines/testing/narrow_model.h"

namespace pipelines {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using torch::Tensor;

// As in networks_golden_test.cc: two correct float32 programs differ by 1e-6 in
// each of some ten layers.
constexpr double kTol = 1e-4;

ModelConfig NarrowConfig(bool multi_mask) {
  ModelConfig config = NarrowPredecessor(3);
  config.set_gradient(ModelConfig::IMPLICIT);
  config.mutable_dense_motion()->set_multi_mask(multi_mask);
  return config;
}

struct Case {
  bool multi_mask;
  std::string variant;  // "bg", "nobg" or "drop"
};

class PredecessorMotionGolden : public testing::TestWithParam<Case> {
 protected:
  static constexpr int64_t kSide = 16;  // of the motion

  PredecessorMotionGolden()
      : golden_(*Golden::Load(
            absl::StrCat("pipelines/model/testdata/tps_dense_motion_mm",
                         GetParam().multi_mask ? 1 : 0, ".safetensors"))),
        candidates_(
            *CandidateMotions::Create(NarrowConfig(GetParam().multi_mask))),
        network_(DenseMotionOptionsOf(NarrowConfig(GetParam().multi_mask))) {
    FillModule("dense/", *network_);
  }

  // The variant's, or bg's where it is the same (metadata "omitted").
  void Expect(const std::string& name, const Tensor& actual,
              bool depends_on_variant = true) const {
    const std::string own = absl::StrCat(GetParam().variant, ".", name);
    const std::string key =
        depends_on_variant && (golden_.has(own) || golden_.has(own + ".slice"))
            ? own
            : absl::StrCat("bg.", name);
    EXPECT_TRUE(actual.scalar_type() == torch::kFloat64
                    ? golden_.MatchesInFloat64(key, actual, kTol)
                    : golden_.Matches(key, actual, kTol));
  }

  // Inputs and all that follows from them.
  struct Run {
    Tensor source, source_points, driving_points, background;
    Tensor small, heatmap;
    Candidates candidates;
    networks::DenseMotionOutput output;
  };

  Run Forward(torch::Dtype dtype) {
    network_->to(dtype);
    const auto leaf = [dtype](const Tensor& x) {
      return x.to(dtype).clone().requires_grad_();
    };
    Run run;
    run.source = leaf(FillUniform("input/source", {2, 3, 64, 64}));
    run.source_points = leaf(golden_.tensor("kp_source"));
    run.driving_points = leaf(golden_.tensor("kp_driving"));
    if (GetParam().variant != "nobg") {
      run.background = leaf(golden_.tensor("bg_param"));
    }
    run.small = network_->Downsample(run.source);
    run.heatmap = keypoints::HeatmapDifference(
        run.driving_points, run.source_points, kSide, kSide, 0.01);
    run.candidates = candidates_(run.source_points, run.driving_points,
                                 run.background, kSide, kSide);
    Tensor keep;
    if (GetParam().variant == "drop") {
      keep = golden_.tensor("dropout_rand") < 1 - 0.3;
    }
    run.output = network_(run.small, run.heatmap, run.candidates.fields, keep);
    return run;
  }

  std::vector<std::pair<std::string, Tensor>> Outputs(const Run& run) const {
    std::vector<std::pair<std::string, Tensor>> outputs = {
        {"deformation", run.output.source_from_driving},
        {"contribution_maps", run.output.contribution_maps},
        {"deformed_source", run.output.deformed_source}};
    for (size_t i = 0; i < run.output.occlusion_maps.size(); ++i) {
      outputs.emplace_back(absl::StrCat("occlusion_map.", i),
                           run.output.occlusion_maps[i]);
    }
    return outputs;
  }

  // What the network computes inside, by the modules that it is made of.
  void ExpectInside(const Run& run) {
    const auto modules = network_->named_modules();
    const Tensor input =
        torch::cat({run.heatmap, run.output.deformed_source.flatten(1, 2)}, 1);
    Expect("hourglass_input", input);
    const std::vector<Tensor> decoded =
        modules["hourglass"]->as<networks::Hourglass>()->forward(input);
    for (size_t i = 0; i < decoded.size(); ++i) {
      Expect(absl::StrCat("hourglass.", i), decoded[i]);
    }
    Expect("maps_logits", modules["maps"]->as<networks::SameConv2d>()->forward(
                              decoded.back()));
    if (!GetParam().multi_mask) return;
    Tensor up = decoded.back();
    for (int i = 0; i < 2; ++i) {
      const std::string name = absl::StrCat("up.", i);
      up = modules[name]->as<networks::UpBlock2d>()->forward(up);
      Expect(name, up);
    }
  }

  const Golden golden_;
  const CandidateMotions candidates_;
  networks::DenseMotionNetwork network_;
};

INSTANTIATE_TEST_SUITE_P(Variants, PredecessorMotionGolden,
                         testing::Values(Case{true, "bg"}, Case{true, "nobg"},
                                         Case{true, "drop"}, Case{false, "bg"},
                                         Case{false, "nobg"},
                                         Case{false, "drop"}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.variant, "_mm",
                                               info.param.multi_mask ? 1 : 0);
                         });

TEST_P(PredecessorMotionGolden, EveryIntermediate) {
  const Run run = Forward(torch::kFloat32);
  Expect("source_down", run.small, false);
  Expect("heatmap", run.heatmap, false);
  const ThinPlateOriginal splines = SolveThinPlateOriginal(
      run.driving_points.view({6, 5, 2}), run.source_points.view({6, 5, 2}),
      /*ridge=*/0.01);
  Expect("theta", splines.affine.view({2, 3, 2, 3}).to(torch::kFloat32), false);
  Expect("control_params",
         splines.weights.view({2, 3, 5, 2}).to(torch::kFloat32), false);
  Expect("transformations", run.candidates.fields);
  ExpectInside(run);
  EXPECT_EQ(run.output.occlusion_maps.size(), GetParam().multi_mask ? 4 : 1);
  for (const auto& [name, value] : Outputs(run)) Expect(name, value);
}

// In float64, as networks_golden_test.cc says: a ReLU that opens or closes by
// rounding moves gradients by a per cent.
TEST_P(PredecessorMotionGolden, GradientsToKeypointsSourceAndBackground) {
  const Run run = Forward(torch::kFloat64);
  Tensor loss = torch::zeros({}, torch::kFloat64);
  for (const auto& [name, value] : Outputs(run)) {
    Expect(name, value);
    loss = loss + (value * FillSigned("cot/dm_" + name, value.sizes())).sum();
  }
  loss.backward();
  const auto norm = [](const Tensor& x) { return x.norm().view({1}); };
  const auto parameters = network_->named_parameters();
  Expect("grad_kp_driving", run.driving_points.grad());
  Expect("grad_kp_source", run.source_points.grad());
  Expect("grad_source_l2", norm(run.source.grad()));
  Expect("grad_maps_weight_l2", norm(parameters["maps.weight"].grad()));
  Expect("grad_maps_bias", parameters["maps.bias"].grad());
  if (!run.background.defined()) return;
  // The last row, by which theirs divides, is a constant for us.
  const Tensor expected =
      golden_.tensor(absl::StrCat(GetParam().variant, ".grad_bg_param"))
          .slice(1, 0, 2);
  // The yardstick of this gradient, which passes ReLUs, is 1 % of it.
  EXPECT_THAT(run.background.grad().slice(1, 0, 2).to(torch::kFloat32),
              networks::test_util::TensorNear(expected, 0.43));
}

}  // namespace
}  // namespace pipelines
