#include "pipelines/avd/train_avd.h"

#include <torch/torch.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/weights/load.h"
#include "networks/weights/safetensors.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/progress.h"
#include "pipelines/avd/avd_training.h"
#include "pipelines/avd/keypoint_bank.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/override.h"
#include "pipelines/config/validate.h"
#include "pipelines/data/data_folder.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// The original's name in checkpoints.
constexpr char kPrefix[] = "avd_network.";

networks::AvdOptions AvdOptionsOf(const ModelConfig& model,
                                  const AvdConfig& config) {
  networks::AvdOptions options;
  options.num_transforms = model.num_transforms();
  options.keypoints_per_transform = model.keypoints_per_transform();
  options.identity_bottleneck = config.identity_bottleneck();
  options.pose_bottleneck = config.pose_bottleneck();
  return options;
}

// The checkpoint's config with overrides. Of the model and its training the
// checkpoint decides.
absl::StatusOr<Config> EffectiveConfig(const TrainAvdOptions& options,
                                       Config config) {
  RETURN_IF_ERROR(UsageError(RefuseOtherOverrides(
      options.overrides, {"avd", "data", "training.seed"})));
  for (const std::string& assignment : options.overrides) {
    const absl::Status status = ApplyOverride(assignment, &config);
    if (!status.ok()) return UsageError(status);
  }
  RETURN_IF_ERROR(UsageError(ValidateForEvaluation(config)));
  return config;
}

}  // namespace

absl::Status TrainAvd(const TrainAvdOptions& options) {
  ASSIGN_OR_RETURN(TrainedModel trained,
                   LoadTrainedModel(options.checkpoint, options.device));
  ASSIGN_OR_RETURN(const Config config,
                   EffectiveConfig(options, std::move(trained.config)));
  const uint64_t seed = config.training().seed();
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(config.data()));
  ASSIGN_OR_RETURN(const std::unique_ptr<data::Dataset> train,
                   OpenSplit(folder, "train", config.data(), seed));
  ASSIGN_OR_RETURN(
      const KeypointBank bank,
      DetectKeypointBank(*trained.model, options.device, *train,
                         config.avd().frames_per_clip(),
                         config.data().augmentation().horizontal_flip()));

  torch::manual_seed(seed);
  networks::AvdNetwork avd(AvdOptionsOf(config.model(), config.avd()));
  avd->to(options.device);
  ProgressOptions progress;
  progress.title = "avd";
  progress.unit = "steps";
  progress.total = config.avd().steps();
  ProgressBar bar(progress);
  RETURN_IF_ERROR(
      FitAvd(bank, config.avd(), seed, avd, [&bar](int64_t step, double loss) {
        bar.Update(step, absl::StrFormat("loss %.4f", loss));
      }));
  bar.Finish();
  RETURN_IF_ERROR(SaveAvd(options.checkpoint, *avd));
  std::printf(
      "train: the AVD network is in %s; use it with\n"
      "  tools/bazelw run //pipelines:animate -- --mode avd --checkpoint %s "
      "--source YOUR.png --driving YOUR.mp4\n",
      options.checkpoint.c_str(), options.checkpoint.c_str());
  return absl::OkStatus();
}

absl::Status SaveAvd(const std::string& checkpoint,
                     const networks::AvdNetworkImpl& avd) {
  using networks::weights::Checksum;
  using networks::weights::SafetensorsFile;
  using networks::weights::TensorMap;
  ASSIGN_OR_RETURN(const SafetensorsFile file,
                   SafetensorsFile::Open(checkpoint));
  ASSIGN_OR_RETURN(const TensorMap before, file.tensors());
  TensorMap tensors;
  for (const auto& [name, tensor] : before) {
    if (!absl::StartsWith(name, kPrefix)) tensors[name] = tensor;
  }
  for (const auto& [name, tensor] : networks::weights::StateDict(avd)) {
    tensors[absl::StrCat(kPrefix, name)] = tensor;
  }
  return networks::weights::WriteSafetensors(
      checkpoint, tensors, file.metadata(),
      file.has_checksum() ? Checksum::kSha256 : Checksum::kNone);
}

}  // namespace pipelines
