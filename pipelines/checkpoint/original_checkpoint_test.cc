// Checkpoints of the original implementation load whole and give its numbers.
#include "pipelines/checkpoint/original_checkpoint.h"

#include <torch/nn/functional.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "networks/dense_motion.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/narrow_checkpoint_test_util.h"
#include "pipelines/testing/narrow_model.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::test_util::Golden;
using ::networks::weights::TensorMap;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Two correct float32 programs differ by about 1e-6 in each of some forty
// layers; as for the single networks (networks_golden_test.cc).
constexpr double kTolerance = 1e-4;

// As the golden checkpoint has it: filled, in steps of 1/64.
torch::Tensor CheckpointValue(const std::string& network,
                              const std::string& key,
                              const torch::Tensor& tensor) {
  // The names that the values follow from have no "_network".
  const std::string fill_name = network.substr(0, network.find("_network"));
  torch::Tensor value = networks::test_util::FillValue(
      absl::StrCat("ck/", fill_name, "/"), key, tensor.sizes());
  if (!value.defined() || !value.is_floating_point()) return tensor.clone();
  value = torch::round(value * 64) / 64;
  // Wider spread keypoints and bolder contribution maps.
  if (key == "fg_encoder.fc.weight") return value * 8;
  if (key == "maps.weight") return value * 4;
  return value;
}

TensorMap NarrowCheckpoint() {
  TensorMap tensors = NarrowCheckpoint(NarrowModel(3), CheckpointValue);
  tensors["optimizer.state.0.exp_avg"] = torch::zeros({3});
  return tensors;
}

std::string WriteCheckpoint(const TensorMap& tensors) {
  return WriteTestCheckpoint("narrow64.pth.tar", tensors);
}

class OriginalCheckpoint : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new TrainedGolden(
        WriteCheckpoint(NarrowCheckpoint()),
        "pipelines/checkpoint/testdata/full_model_narrow64.safetensors");
  }
  static void TearDownTestSuite() { delete run_; }

  static AnimationModel& model() { return *run_->trained.model; }
  static const Golden& golden() { return run_->golden; }

  // The motion from given candidates [B, M, h, w, 2] instead of the fit's.
  static Motion MotionOf(const PreparedSource& source,
                         const torch::Tensor& driving_keypoints,
                         const torch::Tensor& candidates) {
    const int64_t batch = candidates.size(0);
    Motion motion;
    motion.candidates.fields = candidates;
    motion.blend = model().parts().dense_motion(
        source.small.expand({batch, -1, -1, -1}),
        keypoints::HeatmapDifference(
            driving_keypoints, source.keypoints, source.small.size(2),
            source.small.size(3),
            run_->trained.config.model().heatmap_variance()),
        candidates);
    return motion;
  }

  // Compares everything after the fit, for the driving frame 1 and the given
  // grids [1, K + 1, h, w, 2].
  void ExpectMotionAndPrediction(const std::string& prefix,
                                 const torch::Tensor& background,
                                 const torch::Tensor& grids) {
    const torch::Tensor source = run_->Pictures("source_u8");
    const PreparedSource prepared{
        source, golden().tensor("kp_source"), model().Downsample(source), {}};
    const Motion moved =
        MotionOf(prepared, golden().tensor("kp_driving").slice(0, 1, 2),
                 torch::cat({background, grids}, 1));
    const networks::DenseMotionOutput& motion = moved.blend;
    EXPECT_TRUE(golden().Matches(prefix + "contribution_maps",
                                 motion.contribution_maps, kTolerance));
    EXPECT_TRUE(golden().Matches(prefix + "deformation",
                                 motion.source_from_driving, kTolerance));
    for (size_t i = 0; i < motion.occlusion_maps.size(); ++i) {
      EXPECT_TRUE(
          golden().Matches(prefix + "occlusion_map." + std::to_string(i),
                           motion.occlusion_maps[i], kTolerance));
    }
    const auto painted = model().Paint(prepared, moved);
    EXPECT_TRUE(golden().Matches(prefix + "deformed", painted.deformed_source,
                                 kTolerance));
    EXPECT_TRUE(golden().Matches(prefix + "prediction", painted.prediction,
                                 kTolerance));
  }

  static torch::Tensor IdentityField() {
    return networks::CoordinateGrid(16, 16, torch::kFloat32)
        .expand({1, 1, 16, 16, 2});
  }

  const torch::NoGradGuard no_grad_;
  static TrainedGolden* run_;
};
TrainedGolden* OriginalCheckpoint::run_ = nullptr;

TEST_F(OriginalCheckpoint, SaysItsConfigByItsShapes) {
  const ModelConfig& config = run_->trained.config.model();
  EXPECT_EQ(config.num_transforms(), 3);
  EXPECT_EQ(config.keypoints_per_transform(), 5);
  EXPECT_EQ(config.detector().width(), 64);
  EXPECT_TRUE(config.background());
  EXPECT_EQ(config.global().cpab().cells_x(), 6);
  EXPECT_EQ(config.dense_motion().block_expansion(), 8);
  EXPECT_EQ(config.dense_motion().num_blocks(), 3);
  EXPECT_EQ(config.dense_motion().scale_factor(), 0.25);
  EXPECT_TRUE(config.dense_motion().multi_mask());
  EXPECT_EQ(config.inpainting().block_expansion(), 8);
  EXPECT_EQ(config.inpainting().max_features(), 32);
  EXPECT_EQ(config.inpainting().num_down_blocks(), 3);
}

TEST_F(OriginalCheckpoint, DetectsItsKeypointsAndBackground) {
  const torch::Tensor source = run_->Pictures("source_u8");
  const torch::Tensor driving = run_->Pictures("driving_u8");
  EXPECT_TRUE(golden().Matches("kp_source", model().DetectKeypoints(source),
                               kTolerance));
  EXPECT_TRUE(golden().Matches("kp_driving", model().DetectKeypoints(driving),
                               kTolerance));
  EXPECT_TRUE(golden().Matches(
      "bg_param", model().PredictBackground(source.expand_as(driving), driving),
      kTolerance));
}

TEST_F(OriginalCheckpoint, PredictsFromGivenGrids) {
  const torch::Tensor given = torch::cat({golden().tensor("given.grid_partial"),
                                          golden().tensor("given.grid_global")},
                                         1);
  const torch::Tensor affine =
      networks::AffineGrid(golden().tensor("bg_param").slice(0, 1, 2), 16, 16);
  ExpectMotionAndPrediction("given.bg.", affine.unsqueeze(1), given);
  ExpectMotionAndPrediction("given.nobg.", IdentityField(), given);
  const torch::Tensor adam = golden().tensor("adam.grids");
  ExpectMotionAndPrediction("adam.bg.", affine.unsqueeze(1), adam);
  ExpectMotionAndPrediction("adam.nobg.", IdentityField(), adam);
}

// How far the grids [1, K + 1, h, w, 2] are from carrying the driving keypoints
// to the source's: norms over the points of each local transformation, and over
// all for the global one. [K + 1].
torch::Tensor Residuals(const torch::Tensor& grids, const torch::Tensor& source,
                        const torch::Tensor& driving) {
  std::vector<torch::Tensor> norms;
  const int64_t last = grids.size(1) - 1;
  for (int64_t k = 0; k <= last; ++k) {
    const auto points = [&](const torch::Tensor& all) {
      return k < last ? all.slice(1, 5 * k, 5 * k + 5) : all;
    };
    const torch::Tensor carried = torch::nn::functional::grid_sample(
        grids.select(1, k).permute({0, 3, 1, 2}), points(driving).unsqueeze(1),
        torch::nn::functional::GridSampleFuncOptions().align_corners(true));
    norms.push_back(
        (carried.squeeze(2).transpose(1, 2) - points(source)).norm());
  }
  return torch::stack(norms);
}

TEST_F(OriginalCheckpoint, OurFitIsNoWorseThanTheOriginals) {
  const torch::Tensor source = golden().tensor("kp_source");
  for (int64_t frame = 0; frame < 3; ++frame) {
    const torch::Tensor driving =
        golden().tensor("demo.standard.kp_norm").slice(0, frame, frame + 1);
    const torch::Tensor picture = run_->Pictures("source_u8");
    const Candidates ours =
        model()
            .Move({picture, source, model().Downsample(picture), {}}, driving)
            .candidates;
    const torch::Tensor theirs = Residuals(
        golden().tensor("demo.standard.grids").slice(0, frame, frame + 1),
        source, driving);
    // The original's grids, at 16 x 16, are interpolated at the keypoints; so
    // are ours, which costs both up to the curvature of the field over a cell.
    const torch::Tensor interpolated =
        Residuals(ours.fields.slice(1, 1), source, driving);
    EXPECT_TRUE((interpolated <= theirs + 2e-2).all().item<bool>())
        << interpolated << theirs;
    EXPECT_TRUE((ours.fit.residual[0] <= theirs + 1e-3).all().item<bool>())
        << ours.fit.residual << theirs;
  }
}

TEST_F(OriginalCheckpoint, RunsItsDemoLoopFromItsGrids) {
  const torch::Tensor source = run_->Pictures("source_u8");
  const PreparedSource prepared = model().PrepareSource(source);
  const torch::Tensor driving = golden().tensor("kp_driving");
  ASSERT_TRUE(run_->trained.avd);
  for (const auto& [name, mode] : DemoModes()) {
    SCOPED_TRACE(name);
    const std::string prefix = "demo." + name + ".";
    const torch::Tensor moved =
        DemoKeypoints(mode, prepared.keypoints, driving, run_->trained.avd);
    EXPECT_TRUE(golden().Matches(prefix + "kp_norm", moved, kTolerance));
    const torch::Tensor grids = golden().tensor(prefix + "grids");
    const Motion motion = MotionOf(
        prepared, moved,
        torch::cat({IdentityField().expand({3, 1, 16, 16, 2}), grids}, 1));
    const torch::Tensor prediction = model().Paint(prepared, motion).prediction;
    EXPECT_TRUE(golden().Matches(prefix + "predictions_nhwc",
                                 prediction.permute({0, 2, 3, 1}), kTolerance));
  }
}

// Where max_features is no more than block_expansion, the first block does not
// double its width.
TEST(OriginalCheckpointShapes, NeedNotDoubleInTheFirstBlock) {
  ModelConfig config = NarrowModel(3);
  config.mutable_dense_motion()->set_max_features(
      config.dense_motion().block_expansion());
  const auto trained = LoadTrainedModel(
      WriteCheckpoint(NarrowCheckpoint(config, CheckpointValue)), torch::kCPU);
  ASSERT_THAT(trained, IsOk());
  const DenseMotionConfig& read = trained->config.model().dense_motion();
  EXPECT_EQ(read.block_expansion(), config.dense_motion().block_expansion());
  EXPECT_EQ(read.max_features(), config.dense_motion().max_features());
}

TEST(OriginalCheckpointErrors, NamesWhatIsMissing) {
  TensorMap tensors = NarrowCheckpoint();
  tensors.erase("inpainting_network.first.conv.weight");
  EXPECT_THAT(
      ConfigOfOriginal(tensors, "vox.pth.tar"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("vox.pth.tar"),
                     HasSubstr("inpainting_network.first.conv.weight"))));
  tensors = NarrowCheckpoint();
  tensors.erase("dense_motion_network.hourglass.decoder.up_blocks.1.conv.bias");
  EXPECT_THAT(
      LoadTrainedModel(WriteCheckpoint(tensors), torch::kCPU),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("narrow64.pth.tar"),
                     HasSubstr("hourglass.decoder.up_blocks.1.conv.bias"))));
}

TEST(OriginalCheckpointErrors, NamesShapesThatNoModelHas) {
  TensorMap tensors = NarrowCheckpoint();
  tensors["dense_motion_network.down.weight"] = torch::zeros({3, 1, 7, 7});
  EXPECT_THAT(ConfigOfOriginal(tensors, "vox.pth.tar"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("dense_motion_network.down.weight is 7")));
  tensors["dense_motion_network.maps.weight"] = torch::zeros({9, 8, 7, 7});
  EXPECT_THAT(ConfigOfOriginal(tensors, "vox.pth.tar"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("dense_motion_network.maps.weight")));
}

TEST(OriginalCheckpointErrors, RefusesWeightsOfSomethingElse) {
  EXPECT_THAT(
      LoadTrainedModel(WriteCheckpoint({{"conv1.weight", torch::zeros({1})}}),
                       torch::kCPU),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("no checkpoint of the original implementation")));
}

}  // namespace
}  // namespace pipelines
