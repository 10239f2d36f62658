// Checkpoints of the original implementation load whole and give its numbers.
#include "pipelines/checkpoint/original_checkpoint.h"

#include <torch/torch.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "keypoints/transfer.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::test_util::Golden;
using ::networks::test_util::TensorNear;
using ::networks::weights::TensorMap;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Two correct float32 programs differ by about 1e-6 in each of some forty
// layers; as for the single networks (networks_golden_test.cc).
constexpr double kTolerance = 1e-4;

ModelConfig NarrowConfig() {
  ModelConfig config;
  config.set_num_transforms(3);
  config.mutable_dense_motion()->set_block_expansion(8);
  config.mutable_dense_motion()->set_max_features(64);
  config.mutable_dense_motion()->set_num_blocks(3);
  config.mutable_inpainting()->set_block_expansion(8);
  config.mutable_inpainting()->set_max_features(32);
  return config;
}

// Appends a module's tensors as the golden checkpoint has them: filled, in
// steps of 1/64.
void AddFilled(const std::string& name, const std::string& fill_name,
               torch::nn::Module& module, TensorMap* tensors) {
  const std::string prefix = "ck/" + fill_name + "/";
  networks::test_util::FillModule(prefix, module);
  for (const auto& [key, tensor] : networks::weights::StateDict(module)) {
    const bool filled =
        networks::test_util::FillValue(prefix, key, tensor.sizes()).defined();
    torch::Tensor value = filled && tensor.is_floating_point()
                              ? torch::round(tensor * 64) / 64
                              : tensor.clone();
    // Wider spread keypoints and bolder contribution maps.
    if (key == "fg_encoder.fc.weight") value = value * 8;
    if (key == "maps.weight") value = value * 4;
    (*tensors)[name + "." + key] = value;
  }
}

TensorMap NarrowCheckpoint() {
  TensorMap tensors;
  ModelConfig config = NarrowConfig();
  const auto model = *AnimationModel::Create(config);
  const ModelParts parts = model->parts();
  AddFilled("kp_detector", "kp_detector", parts.detector, &tensors);
  AddFilled("dense_motion_network", "dense_motion", *parts.dense_motion,
            &tensors);
  AddFilled("inpainting_network", "inpainting", *parts.inpainting, &tensors);
  AddFilled("bg_predictor", "bg_predictor", *parts.background, &tensors);
  networks::AvdOptions avd;
  avd.num_transforms = 3;
  avd.identity_bottleneck = avd.pose_bottleneck = 16;
  AddFilled("avd_network", "avd", *networks::AvdNetwork(avd), &tensors);
  tensors["optimizer.state.0.exp_avg"] = torch::zeros({3});
  return tensors;
}

std::string WriteCheckpoint(const TensorMap& tensors) {
  const std::string path = testing::TempDir() + "/narrow64.pth.tar";
  EXPECT_THAT(networks::weights::WritePytorch(path, tensors), IsOk());
  return path;
}

class OriginalCheckpoint : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    trained_ = new TrainedModel(
        *LoadTrainedModel(WriteCheckpoint(NarrowCheckpoint()), torch::kCPU));
    golden_ = new Golden(*Golden::Load(
        "pipelines/checkpoint/testdata/full_model_narrow64.safetensors"));
  }
  static void TearDownTestSuite() {
    delete trained_;
    delete golden_;
  }

  static AnimationModel& model() { return *trained_->model; }
  static torch::Tensor Pictures(const std::string& name) {
    const torch::Tensor bytes = golden_->tensor(name);
    const torch::Tensor batch = bytes.dim() == 3 ? bytes.unsqueeze(0) : bytes;
    return batch.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
  }

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
            source.small.size(3), trained_->config.model().heatmap_variance()),
        candidates);
    return motion;
  }

  // Compares everything after the fit, for the driving frame 1 and the given
  // grids [1, K + 1, h, w, 2].
  void ExpectMotionAndPrediction(const std::string& prefix,
                                 const torch::Tensor& background,
                                 const torch::Tensor& grids) {
    const torch::Tensor source = Pictures("source_u8");
    const PreparedSource prepared{
        source, golden_->tensor("kp_source"), model().Downsample(source), {}};
    const Motion moved =
        MotionOf(prepared, golden_->tensor("kp_driving").slice(0, 1, 2),
                 torch::cat({background, grids}, 1));
    const networks::DenseMotionOutput& motion = moved.blend;
    EXPECT_TRUE(golden_->Matches(prefix + "contribution_maps",
                                 motion.contribution_maps, kTolerance));
    EXPECT_TRUE(golden_->Matches(prefix + "deformation",
                                 motion.source_from_driving, kTolerance));
    for (size_t i = 0; i < motion.occlusion_maps.size(); ++i) {
      EXPECT_TRUE(
          golden_->Matches(prefix + "occlusion_map." + std::to_string(i),
                           motion.occlusion_maps[i], kTolerance));
    }
    const auto painted = model().Paint(prepared, moved);
    EXPECT_TRUE(golden_->Matches(prefix + "deformed", painted.deformed_source,
                                 kTolerance));
    EXPECT_TRUE(golden_->Matches(prefix + "prediction", painted.prediction,
                                 kTolerance));
  }

  static torch::Tensor IdentityField() {
    return networks::CoordinateGrid(16, 16, torch::kFloat32)
        .expand({1, 1, 16, 16, 2});
  }

  const torch::NoGradGuard no_grad_;
  static TrainedModel* trained_;
  static Golden* golden_;
};
TrainedModel* OriginalCheckpoint::trained_ = nullptr;
Golden* OriginalCheckpoint::golden_ = nullptr;

TEST_F(OriginalCheckpoint, SaysItsConfigByItsShapes) {
  const ModelConfig& config = trained_->config.model();
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
  const torch::Tensor source = Pictures("source_u8");
  const torch::Tensor driving = Pictures("driving_u8");
  EXPECT_TRUE(golden_->Matches("kp_source", model().DetectKeypoints(source),
                               kTolerance));
  EXPECT_TRUE(golden_->Matches("kp_driving", model().DetectKeypoints(driving),
                               kTolerance));
  EXPECT_TRUE(golden_->Matches(
      "bg_param", model().PredictBackground(source.expand_as(driving), driving),
      kTolerance));
}

TEST_F(OriginalCheckpoint, PredictsFromGivenGrids) {
  const torch::Tensor given = torch::cat({golden_->tensor("given.grid_partial"),
                                          golden_->tensor("given.grid_global")},
                                         1);
  const torch::Tensor affine =
      networks::AffineGrid(golden_->tensor("bg_param").slice(0, 1, 2), 16, 16);
  ExpectMotionAndPrediction("given.bg.", affine.unsqueeze(1), given);
  ExpectMotionAndPrediction("given.nobg.", IdentityField(), given);
  const torch::Tensor adam = golden_->tensor("adam.grids");
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
  const torch::Tensor source = golden_->tensor("kp_source");
  for (int64_t frame = 0; frame < 3; ++frame) {
    const torch::Tensor driving =
        golden_->tensor("demo.standard.kp_norm").slice(0, frame, frame + 1);
    const torch::Tensor picture = Pictures("source_u8");
    const Candidates ours =
        model()
            .Move({picture, source, model().Downsample(picture), {}}, driving)
            .candidates;
    const torch::Tensor theirs = Residuals(
        golden_->tensor("demo.standard.grids").slice(0, frame, frame + 1),
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
  const torch::Tensor source = Pictures("source_u8");
  const PreparedSource prepared = model().PrepareSource(source);
  const torch::Tensor driving = golden_->tensor("kp_driving");
  ASSERT_TRUE(trained_->avd);
  networks::AvdNetwork avd = trained_->avd;
  for (const auto& [name, mode] :
       {std::pair("standard", keypoints::TransferMode::kStandard),
        std::pair("relative", keypoints::TransferMode::kRelative),
        std::pair("avd", keypoints::TransferMode::kAvd)}) {
    SCOPED_TRACE(name);
    const std::string prefix = std::string("demo.") + name + ".";
    keypoints::TransferOptions options;
    options.mode = mode;
    const keypoints::MotionTransfer transfer(
        options, prepared.keypoints, driving.slice(0, 0, 1),
        [&](const torch::Tensor& identity, const torch::Tensor& pose) {
          return avd(identity, pose);
        });
    const torch::Tensor moved = transfer.Apply(driving);
    EXPECT_TRUE(golden_->Matches(prefix + "kp_norm", moved, kTolerance));
    const torch::Tensor grids = golden_->tensor(prefix + "grids");
    const Motion motion = MotionOf(
        prepared, moved,
        torch::cat({IdentityField().expand({3, 1, 16, 16, 2}), grids}, 1));
    const torch::Tensor prediction = model().Paint(prepared, motion).prediction;
    EXPECT_TRUE(golden_->Matches(prefix + "predictions_nhwc",
                                 prediction.permute({0, 2, 3, 1}), kTolerance));
  }
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
