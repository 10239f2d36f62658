#include "pipelines/avd/train_avd.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/file_lock.h"
#include "networks/files/outputs.h"
#include "networks/scoped_seed.h"
#include "networks/weights/load.h"
#include "networks/weights/safetensors.h"
#include "pipelines/avd/avd_training.h"
#include "pipelines/avd/keypoint_bank.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_files.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/model/model_options.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::SafetensorsFile;

networks::AvdNetwork NewAvd(const networks::AvdOptions& options,
                            uint64_t seed) {
  const networks::ScopedSeed scope(seed);
  return networks::AvdNetwork(options);
}

// Unavailable if a process trains in the folder of the run that `checkpoint` is
// of: it replaces and removes its checkpoints.
absl::Status CheckNoRunGoesOn(const std::string& checkpoint) {
  const std::string run = RunOf(checkpoint);
  const std::string lock = absl::StrCat(run, "/lock");
  std::error_code error;
  if (run.empty() || !std::filesystem::exists(lock, error)) {
    return absl::OkStatus();
  }
  networks::files::LockOptions options;
  options.subject = checkpoint;
  options.doing =
      "is training in its run's folder and may replace it; wait for that, or "
      "use a copy of the checkpoint";
  const absl::Status taken =
      networks::files::FileLock::Take(lock, options).status();
  return absl::IsUnavailable(taken) ? taken : absl::OkStatus();
}

// Whether what is trained can be saved, before it is trained.
absl::StatusOr<SafetensorsFile> OpenToSave(const std::string& checkpoint) {
  absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(checkpoint);
  if (absl::IsNotFound(file.status())) return file.status();
  if (!file.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        checkpoint,
        ": the AVD network is saved into its checkpoint, which has "
        "to be a whole .safetensors file (",
        file.status().message(), ")"));
  }
  networks::files::PlannedOutputs planned;
  planned.files = {checkpoint};
  planned.overwrite = true;
  RETURN_IF_ERROR(networks::files::CheckOutputs(planned));
  RETURN_IF_ERROR(CheckNoRunGoesOn(checkpoint));
  return file;
}

}  // namespace

absl::Status TrainAvd(const TrainAvdOptions& options) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, OpenToSave(options.checkpoint));
  ASSIGN_OR_RETURN(const TrainedModel trained,
                   LoadTrainedModel(options.checkpoint, options.device));
  Config config = trained.config;
  if (options.adjust) RETURN_IF_ERROR(options.adjust(&config));
  const WorkHooks& hooks = options.hooks;
  const uint64_t seed = config.training().seed();
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(config.data(), hooks));
  ASSIGN_OR_RETURN(const std::unique_ptr<data::Dataset> train,
                   OpenSplit(folder, "train", config.data(), seed, hooks));
  ASSIGN_OR_RETURN(const KeypointBank bank,
                   DetectKeypointBank(
                       *trained.model, options.device, *train,
                       config.avd().frames_per_clip(),
                       config.data().augmentation().horizontal_flip(), hooks));

  networks::AvdNetwork avd =
      NewAvd(AvdOptionsOf(config.model(), config.avd()), seed);
  avd->to(options.device);
  const int64_t steps = config.avd().steps();
  RETURN_IF_ERROR(FitAvd(
      bank, config.avd(), seed, avd,
      [&](int64_t step, double loss) {
        hooks.Report(
            {"avd", "steps", step, steps, absl::StrFormat("loss %.4f", loss)});
      },
      hooks.stop));
  return SaveAvd(file, *avd);
}

absl::Status SaveAvd(const SafetensorsFile& file,
                     const networks::AvdNetworkImpl& avd) {
  using networks::weights::Checksum;
  using networks::weights::TensorMap;
  // Damage must not get a new checksum.
  if (file.has_checksum()) RETURN_IF_ERROR(file.VerifyChecksum());
  // Neither may another model get this one's network.
  RETURN_IF_ERROR(file.mapped()->CheckNotReplaced());
  ASSIGN_OR_RETURN(const TensorMap before, file.tensors());
  TensorMap tensors;
  for (const auto& [name, tensor] : before) {
    if (!absl::StartsWith(name, kAvdPrefix)) tensors[name] = tensor;
  }
  for (const auto& [name, tensor] : networks::weights::StateDict(avd)) {
    tensors[absl::StrCat(kAvdPrefix, name)] = tensor;
  }
  return networks::weights::WriteSafetensors(
      file.path(), tensors, file.metadata(),
      file.has_checksum() ? Checksum::kSha256 : Checksum::kNone,
      file.mapped().get());
}

}  // namespace pipelines
