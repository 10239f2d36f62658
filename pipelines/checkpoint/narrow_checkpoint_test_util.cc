#include "pipelines/checkpoint/narrow_checkpoint_test_util.h"

#include <torch/nn/module.h>
#include <torch/types.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {

using networks::weights::TensorMap;
using torch::Tensor;

TensorMap NarrowCheckpoint(const ModelConfig& config, const ValueOf& value) {
  TensorMap tensors;
  const auto add = [&](const std::string& network,
                       const torch::nn::Module& module) {
    for (const auto& [key, tensor] : networks::weights::StateDict(module)) {
      tensors[absl::StrCat(network, ".", key)] = value(network, key, tensor);
    }
  };
  const auto model = *AnimationModel::Create(config);
  const ModelParts parts = model->parts();
  add("kp_detector", parts.detector);
  add("dense_motion_network", *parts.dense_motion);
  add("inpainting_network", *parts.inpainting);
  add("bg_predictor", *parts.background);
  networks::AvdOptions avd;
  avd.num_transforms = config.num_transforms();
  avd.identity_bottleneck = avd.pose_bottleneck = 16;
  add("avd_network", *networks::AvdNetwork(avd));
  return tensors;
}

std::string WriteTestCheckpoint(const std::string& name,
                                const TensorMap& tensors) {
  std::string path = absl::StrCat(testing::TempDir(), "/", name);
  EXPECT_THAT(networks::weights::WritePytorch(path, tensors), IsOk());
  return path;
}

TrainedGolden::TrainedGolden(const std::string& checkpoint,
                             const std::string& golden_path)
    : trained(*LoadTrainedModel(checkpoint, torch::kCPU)),
      golden(networks::test_util::LoadGolden(golden_path)) {}

Tensor TrainedGolden::Pictures(const std::string& name,
                               torch::Dtype dtype) const {
  const Tensor bytes = golden.tensor(name);
  const Tensor batch = bytes.dim() == 3 ? bytes.unsqueeze(0) : bytes;
  // Divided in double and rounded once.
  return batch.permute({0, 3, 1, 2})
      .to(torch::kFloat64)
      .div(255)
      .to(torch::kFloat32)
      .to(dtype);
}

std::vector<std::pair<std::string, keypoints::TransferMode>> DemoModes() {
  return {{"standard", keypoints::TransferMode::kStandard},
          {"relative", keypoints::TransferMode::kRelative},
          {"avd", keypoints::TransferMode::kAvd}};
}

Tensor DemoKeypoints(keypoints::TransferMode mode, const Tensor& source,
                     const Tensor& driving, networks::AvdNetwork avd) {
  keypoints::TransferOptions options;
  options.mode = mode;
  const keypoints::MotionTransfer transfer(
      options, source, driving.slice(0, 0, 1),
      [&avd](const Tensor& identity, const Tensor& pose) {
        return avd(identity, pose);
      });
  return transfer.Apply(driving);
}

}  // namespace pipelines
