// Checkpoints of the thin-plate-spline predecessor load as they are and give
// its numbers: reconstruction with background, stage by stage, and its demo
// loop.
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "networks/background.h"
#include "networks/blocks.h"
#include "networks/dense_motion.h"
#include "networks/hourglass.h"
#include "networks/inpainting.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/weights/load.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/narrow_checkpoint_test_util.h"
#include "pipelines/checkpoint/original_checkpoint.h"
#include "pipelines/model/thin_plate_original.h"
#include "pipelines/testing/narrow_model.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::weights::TensorMap;
using ::testing::AllOf;
using ::testing::HasSubstr;
using torch::Tensor;

// As for the single networks (networks_golden_test.cc). Values that the sharp
// borders of a warp multiply have the yardstick beside it, see Golden.
constexpr double kTolerance = 1e-4;

// The value of a tensor in the golden checkpoint; see testdata/README.md.
Tensor CheckpointValue(const std::string& network, const std::string& key,
                       const Tensor& tensor) {
  constexpr int64_t kRepeat = 65521;
  Tensor value = networks::test_util::FillValue(
      absl::StrCat("tck/", network, "/"), key, tensor.sizes());
  if (!value.defined() || !value.is_floating_point()) return tensor.clone();
  if (value.numel() > kRepeat) {
    const Tensor start = value.flatten().slice(0, 0, kRepeat);
    value = start.repeat({value.numel() / kRepeat + 1})
                .slice(0, 0, value.numel())
                .view(tensor.sizes());
  }
  // Such that the background depends on the images, keypoints are spread, maps
  // are bold and the AVD network moves.
  if (key == "bg_encoder.fc.weight") return torch::round(5 * value * 512) / 512;
  value = torch::round(value * 64) / 64;
  if (key == "fg_encoder.fc.weight") return 8 * value;
  if (key == "maps.weight" || key == "decoder.9.weight") return 4 * value;
  return value;
}

// Whose values take long to make.
TensorMap NarrowCheckpoint() {
  static const auto* networks =
      new TensorMap(NarrowCheckpoint(NarrowPredecessor(4), CheckpointValue));
  TensorMap tensors = *networks;
  tensors["optimizer_avd.state.0.exp_avg"] = torch::zeros({3});
  tensors["optimizer_avd.state.0.step"] = torch::zeros({});
  return tensors;
}

std::string WriteCheckpoint(const TensorMap& tensors) {
  return WriteTestCheckpoint("tps_narrow64.pth.tar", tensors);
}

class PredecessorCheckpoint : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new TrainedGolden(
        WriteCheckpoint(NarrowCheckpoint()),
        "pipelines/checkpoint/testdata/tps_full_model_narrow64.safetensors");
  }
  static void TearDownTestSuite() { delete run_; }

  static AnimationModel& model() { return *run_->trained.model; }

  // Against the stored float32 numbers: of a float64 run within the yardstick,
  // of a float32 run within some of them.
  static void Expect(const std::string& name, const Tensor& actual) {
    EXPECT_TRUE(actual.scalar_type() == torch::kFloat64
                    ? run_->golden.MatchesInFloat64(name, actual, kTolerance)
                    : run_->golden.MatchesInFloat32(name, actual, kTolerance));
  }

  // Theta and weights of the splines of a batch of driving keypoints.
  static void ExpectSplines(const std::string& prefix, const Tensor& source,
                            const Tensor& driving) {
    const ThinPlateOriginal splines = SolveThinPlateOriginal(
        driving.reshape({-1, 5, 2}),
        source.expand_as(driving).reshape({-1, 5, 2}), /*ridge=*/0.01);
    const auto dtype = driving.scalar_type();
    Expect(prefix + "theta", splines.affine.view({-1, 4, 2, 3}).to(dtype));
    Expect(prefix + "control_params",
           splines.weights.view({-1, 4, 5, 2}).to(dtype));
  }

  static void ExpectMotion(const std::string& prefix, const Motion& motion) {
    Expect(prefix + "transformations", motion.candidates.fields);
    Expect(prefix + "contribution_maps", motion.blend.contribution_maps);
    Expect(prefix + "deformation", motion.blend.source_from_driving);
    const std::vector<Tensor>& occlusion = motion.blend.occlusion_maps;
    ASSERT_EQ(occlusion.size(), 4u);
    for (size_t i = 0; i < occlusion.size(); ++i) {
      Expect(absl::StrCat(prefix, "occlusion_map.", i), occlusion[i]);
    }
  }

  // The source, the driving frames and the motion with background.
  struct Reconstruction {
    PreparedSource source;
    Tensor driving, driving_points, background;
    Motion motion;
  };
  static Reconstruction Reconstruct(torch::Dtype dtype) {
    model().to(dtype);
    Reconstruction run;
    run.source = model().PrepareSource(run_->Pictures("source_u8", dtype));
    run.driving = run_->Pictures("driving_u8", dtype);
    run.driving_points = model().DetectKeypoints(run.driving);
    run.background = model().PredictBackground(
        run.source.image.expand_as(run.driving), run.driving);
    MoveOptions options;
    options.background = run.background;
    run.motion = model().Move(run.source, run.driving_points, options);
    return run;
  }

  // Inside of dense motion, by the modules that it is made of.
  static void ExpectInsideDenseMotion(const Reconstruction& run) {
    Expect("bg.source_down", run.source.small);
    const Tensor heatmap = keypoints::HeatmapDifference(
        run.driving_points, run.source.keypoints, 16, 16);
    Expect("bg.heatmap", heatmap);
    const Tensor& warped = run.motion.blend.deformed_source;
    Expect("bg.deformed_source", warped);
    const Tensor input = torch::cat({heatmap, warped.flatten(1, 2)}, 1);
    Expect("bg.hourglass_input", input);
    const auto modules = model().parts().dense_motion->named_modules();
    const std::vector<Tensor> decoded =
        modules["hourglass"]->as<networks::Hourglass>()->forward(input);
    for (size_t i = 0; i < decoded.size(); ++i) {
      Expect(absl::StrCat("bg.hourglass.", i), decoded[i]);
    }
    Expect(
        "bg.maps_logits",
        modules["maps"]->as<networks::SameConv2d>()->forward(decoded.back()));
    Tensor up = decoded.back();
    for (int i = 0; i < 2; ++i) {
      const std::string name = absl::StrCat("up.", i);
      up = modules[name]->as<networks::UpBlock2d>()->forward(up);
      Expect("bg." + name, up);
    }
  }

  // Inside of the inpainting network, likewise.
  static void ExpectInsideInpainting(const Reconstruction& run) {
    const auto modules = model().parts().inpainting->named_modules();
    const std::vector<Tensor>& encoded = run.source.features.encoder_maps;
    Expect("bg.inpaint.first", encoded[0]);
    for (int i = 1; i < 4; ++i) {
      Expect(absl::StrCat("bg.inpaint.down_blocks.", i - 1), encoded[i]);
    }
    const auto res = [&](int i, const Tensor& x) {
      const std::string name = absl::StrCat("resblock.", i);
      const Tensor y = modules[name]->as<networks::ResBlock2d>()->forward(x);
      Expect("bg.inpaint." + name, y);
      return y;
    };
    Tensor out, visible;
    for (int i = 0; i < 4; ++i) {
      visible = run.motion.blend.occlusion_maps[i];
      const Tensor skipped =
          networks::Warp(encoded[3 - i], run.motion.blend.source_from_driving) *
          visible;
      Expect(absl::StrCat("bg.warped_encoder_maps.", i), skipped);
      if (i == 3) {
        out = out * (1 - visible) + skipped;
        break;
      }
      out = res(2 * i + 1,
                res(2 * i, i == 0 ? skipped : torch::cat({out, skipped}, 1)));
      const std::string name = absl::StrCat("up_blocks.", i);
      out = modules[name]->as<networks::UpBlock2d>()->forward(out);
      Expect("bg.inpaint." + name, out);
    }
    Expect("bg.inpaint.final",
           modules["final"]->as<networks::SameConv2d>()->forward(out));
  }

  const torch::NoGradGuard no_grad_;
  static TrainedGolden* run_;
};
TrainedGolden* PredecessorCheckpoint::run_ = nullptr;

TEST_F(PredecessorCheckpoint, SaysItsKindAndConfigByItsShapes) {
  const ModelConfig& config = run_->trained.config.model();
  EXPECT_EQ(config.num_transforms(), 4);
  EXPECT_EQ(config.keypoints_per_transform(), 5);
  EXPECT_FALSE(config.global_transform());
  EXPECT_TRUE(config.local().has_thin_plate_original());
  EXPECT_EQ(config.gradient(), ModelConfig::IMPLICIT);
  EXPECT_TRUE(config.background());
  EXPECT_EQ(config.dense_motion().block_expansion(), 8);
  EXPECT_TRUE(config.dense_motion().multi_mask());
  ASSERT_TRUE(run_->trained.avd);
}

// In float64, so that the yardstick of every intermediate holds: it is how far
// the stored float32 numbers are from their float64 twins.
TEST_F(PredecessorCheckpoint, ReconstructsStageByStage) {
  const Reconstruction run = Reconstruct(torch::kFloat64);
  Expect("kp_source", run.source.keypoints);
  Expect("kp_driving", run.driving_points);
  Expect("bg_param", run.background);
  ExpectSplines("bg.", run.source.keypoints, run.driving_points);
  ExpectMotion("bg.", run.motion);
  ExpectInsideDenseMotion(run);
  ExpectInsideInpainting(run);
  const networks::InpaintingOutput painted =
      model().Paint(run.source, run.motion);
  Expect("bg.deformed", painted.deformed_source);
  Expect("bg.prediction", painted.prediction);
  Expect("bg.l1_to_driving",
         (painted.prediction - run.driving).abs().mean({1, 2, 3}));
}

// As users run it.
TEST_F(PredecessorCheckpoint, ReconstructsInFloat32) {
  const Reconstruction run = Reconstruct(torch::kFloat32);
  Expect("kp_source", run.source.keypoints);
  Expect("kp_driving", run.driving_points);
  Expect("bg_param", run.background);
  ExpectMotion("bg.", run.motion);
  const networks::InpaintingOutput painted =
      model().Paint(run.source, run.motion);
  Expect("bg.deformed", painted.deformed_source);
  Expect("bg.prediction", painted.prediction);
  Expect("bg.l1_to_driving",
         (painted.prediction - run.driving).abs().mean({1, 2, 3}));
}

TEST_F(PredecessorCheckpoint, RunsItsDemoLoop) {
  model().to(torch::kFloat32);
  const PreparedSource source =
      model().PrepareSource(run_->Pictures("source_u8", torch::kFloat32));
  const Tensor driving =
      model().DetectKeypoints(run_->Pictures("driving_u8", torch::kFloat32));
  for (const auto& [name, mode] : DemoModes()) {
    SCOPED_TRACE(name);
    const std::string prefix = absl::StrCat("demo.", name, ".");
    const Tensor moved =
        DemoKeypoints(mode, source.keypoints, driving, run_->trained.avd);
    Expect(prefix + "kp_norm", moved);
    ExpectSplines(prefix, source.keypoints, moved);
    const Motion motion = model().Move(source, moved);
    ExpectMotion(prefix, motion);
    Expect(prefix + "predictions_nhwc",
           model().Paint(source, motion).prediction.permute({0, 2, 3, 1}));
  }
}

// --- Layouts of the file.

// After training with a background: optimizers, no AVD network. mgif's: no
// background. The fork's of 768 pixels: no AVD network either.
TEST(PredecessorLayouts, LoadWithAndWithoutOptionalNetworks) {
  TensorMap tensors = NarrowCheckpoint();
  const auto erase = [&tensors](const std::string& prefix) {
    for (auto it = tensors.lower_bound(prefix);
         it != tensors.end() && it->first.rfind(prefix, 0) == 0;) {
      it = tensors.erase(it);
    }
  };
  erase("avd_network.");
  tensors["optimizer.state.0.exp_avg_sq"] = torch::zeros({2, 2});
  tensors["optimizer_bg_predictor.state.7.step"] =
      torch::zeros({}, torch::kInt64);
  auto trained = LoadTrainedModel(WriteCheckpoint(tensors), torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  EXPECT_TRUE(trained->model->has_background());
  EXPECT_TRUE(trained->avd.is_empty());
  erase("bg_predictor.");
  trained = LoadTrainedModel(WriteCheckpoint(tensors), torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  EXPECT_FALSE(trained->model->has_background());
  EXPECT_FALSE(trained->config.model().background());
}

// Every tensor has one value, which follows from its name.
void ExpectLegacyValues(const std::string& network,
                        const torch::nn::Module& module) {
  for (const auto& [key, tensor] : networks::weights::StateDict(module)) {
    const std::string name = absl::StrCat(network, ".", key);
    const Tensor expected = tensor.is_floating_point()
                                ? networks::test_util::FillUniform(name, {})
                                : torch::tensor(int64_t{7});
    EXPECT_TRUE(torch::equal(tensor, expected.expand(tensor.sizes()))) << name;
  }
}

// What PyTorch wrote before version 1.6, here in mgif's layout, without
// background, after the AVD network was trained; made by Python.
TEST(PredecessorLayouts, LoadFromTheFormatBeforeZip) {
  const auto trained = LoadTrainedModel(
      "pipelines/checkpoint/testdata/tps_legacy.pth.tar", torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  EXPECT_EQ(trained->config.model().num_transforms(), 4);
  EXPECT_TRUE(trained->config.model().local().has_thin_plate_original());
  EXPECT_FALSE(trained->config.model().background());
  const ModelParts parts = trained->model->parts();
  ExpectLegacyValues("kp_detector", parts.detector);
  ExpectLegacyValues("dense_motion_network", *parts.dense_motion);
  ExpectLegacyValues("inpainting_network", *parts.inpainting);
  ASSERT_TRUE(trained->avd);
  ExpectLegacyValues("avd_network", *trained->avd);
}

// --- Which kind it is.

// A file's shapes with P keypoints and M maps; the rest is not looked at.
TensorMap ShapesOf(int64_t points, int64_t maps) {
  TensorMap tensors = NarrowCheckpoint();
  tensors["kp_detector.fg_encoder.fc.bias"] = torch::zeros({2 * points});
  const int64_t input = 3 * maps + points + 1;
  tensors["dense_motion_network.maps.weight"] =
      torch::zeros({maps, input + 8, 7, 7});
  tensors["dense_motion_network.hourglass.encoder.down_blocks.0.conv.weight"] =
      torch::zeros({16, input, 3, 3});
  return tensors;
}

TEST(KindOfCheckpoint, FollowsFromKeypointsAndMaps) {
  struct Case {
    int64_t points, maps;
    int sets, keypoints;
    bool is_cpab;
  };
  for (const Case& c : std::vector<Case>{
           {50, 11, 10, 5, false},  // as published
           {50, 12, 10, 5, true},   // the original's of the same size
           {5, 2, 1, 5, false},
           {5, 3, 1, 5, true},
           {20, 6, 4, 5, true},   // or 5 splines of 4
           {10, 3, 2, 5, false},  // or 1 CPAB set of 10
           {9, 4, 3, 3, false}}) {
    const auto config = ConfigOfOriginal(ShapesOf(c.points, c.maps), "a.pth");
    ASSERT_THAT(config, IsOk()) << c.points << " " << c.maps;
    EXPECT_EQ(config->model().num_transforms(), c.sets);
    EXPECT_EQ(config->model().keypoints_per_transform(), c.keypoints);
    EXPECT_EQ(config->model().global_transform(), c.is_cpab);
    EXPECT_EQ(config->model().local().has_cpab(), c.is_cpab);
  }
}

TEST(KindOfCheckpoint, IsRefusedWhereShapesFitNeitherOrBoth) {
  const auto expect_refused = [](const TensorMap& tensors,
                                 const std::string& text) {
    EXPECT_THAT(ConfigOfOriginal(tensors, "a.pth"),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("a.pth"), HasSubstr(text))));
  };
  expect_refused(ShapesOf(50, 10),
                 "kp_detector.fg_encoder.fc.bias gives 100 coordinates");
  expect_refused(ShapesOf(50, 1), "dense_motion_network.maps.weight");
  // 4 sets of 3, or 3 of 4 and a global one.
  expect_refused(ShapesOf(12, 5), "4 sets of 3 keypoints");
  TensorMap tensors = ShapesOf(50, 11);
  const std::string down =
      "dense_motion_network.hourglass.encoder.down_blocks.0.conv.weight";
  tensors[down] = torch::zeros({16, 87, 3, 3});
  expect_refused(tensors, down + " has 87 input channels; expected 84");
}

// Its keypoint detector has the FOMM's names.
TEST(KindOfCheckpoint, TellsFaceVid2VidFromTheFirstOrderMotionModel) {
  const std::string path = WriteCheckpoint(
      {{"kp_detector.predictor.encoder.weight", torch::zeros({1})},
       {"he_estimator.block1.conv.weight", torch::zeros({1})}});
  EXPECT_THAT(LoadTrainedModel(path, torch::kCPU),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("face-vid2vid"),
                             HasSubstr("//tools:fetch_weights -- tps-vox"))));
}

TEST(KindOfCheckpoint, NamesOtherMethods) {
  for (const auto& [tensor, method] :
       {std::pair("kp_detector.predictor.encoder.down_blocks.0.conv.weight",
                  "First Order Motion Model"),
        std::pair("generator.dense_motion_network.mask.weight",
                  "First Order Motion Model"),
        std::pair("region_predictor.regions.weight", "Articulated Animation"),
        std::pair("generator.pixelwise_flow_predictor.mask.bias",
                  "Articulated Animation")}) {
    EXPECT_THAT(LoadTrainedModel(WriteCheckpoint({{tensor, torch::zeros({1})}}),
                                 torch::kCPU),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("tps_narrow64.pth.tar"),
                               HasSubstr(method), HasSubstr(tensor))));
  }
}

TEST(KindOfCheckpoint, RefusesAnAvdNetworkForOtherKeypoints) {
  TensorMap tensors = NarrowCheckpoint();
  networks::AvdOptions options;
  options.num_transforms = 10;
  for (const auto& [key, tensor] :
       networks::weights::StateDict(*networks::AvdNetwork(options))) {
    tensors["avd_network." + key] = tensor;
  }
  EXPECT_THAT(LoadTrainedModel(WriteCheckpoint(tensors), torch::kCPU),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the AVD network is for 50 keypoints"),
                             HasSubstr("avd_network.id_encoder.0.weight"),
                             HasSubstr("expected 40"))));
}

}  // namespace
}  // namespace pipelines
