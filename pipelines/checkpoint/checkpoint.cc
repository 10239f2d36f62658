#include "pipelines/checkpoint/checkpoint.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "networks/weights/load.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/read.h"
#include "pipelines/checkpoint/checkpoint_files.h"
#include "pipelines/checkpoint/former_versions.h"
#include "pipelines/checkpoint/learning_phase.h"
#include "pipelines/checkpoint/original_checkpoint.h"
#include "pipelines/config/former_fields.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/config/resolve.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::SafetensorsFile;
using networks::weights::TensorMap;
using networks::weights::Weights;

constexpr char kModelPrefix[] = "model.";
constexpr char kAveragePrefix[] = "average.";
constexpr char kAdamPrefix[] = "adam.";
constexpr char kStateKey[] = "state";
constexpr int kFirstVersionWithChecksum = 2;
// Later ones state every field of their config.
constexpr int kLastVersionWithDefaults = 2;

void AddWithPrefix(const char* prefix, const TensorMap& from, TensorMap* to) {
  for (const auto& [name, tensor] : from) {
    (*to)[absl::StrCat(prefix, name)] = tensor;
  }
}

TensorMap WithPrefix(const TensorMap& tensors, absl::string_view prefix) {
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    absl::string_view rest = name;
    if (absl::ConsumePrefix(&rest, prefix)) result[std::string(rest)] = tensor;
  }
  return result;
}

std::vector<std::string> AvdNames(const SafetensorsFile& file) {
  std::vector<std::string> avd;
  for (std::string& name : file.names()) {
    if (absl::StartsWith(name, kAvdPrefix)) avd.push_back(std::move(name));
  }
  return avd;
}

int64_t BytesOf(const TensorMap& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.numel() * static_cast<int64_t>(tensor.element_size());
  }
  return bytes;
}

absl::Status From(absl::string_view source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(source, ": ", status.message()));
}

// Opens the file; what cannot be parsed once it is open is damaged.
absl::StatusOr<SafetensorsFile> OpenUndamaged(const std::string& path) {
  RETURN_IF_ERROR(networks::weights::MappedFile::Open(path).status());
  absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  if (absl::IsInvalidArgument(file.status())) {
    return absl::DataLossError(
        absl::StrCat(file.status().message(), "; the file is damaged"));
  }
  if (file.ok() && file->has_checksum()) {
    RETURN_IF_ERROR(file->VerifyChecksum());
  }
  return file;
}

// The version that a state says it has, though it may be a later one with
// fields that this program does not know. 0 if it says none.
int VersionOf(const std::string& state_text) {
  class Silence : public google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
    void AddWarning(int, int, const std::string&) override {}
  };
  Silence silence;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silence);
  parser.AllowUnknownField(true);
  CheckpointState state;
  // The version comes first, so it is known even where a later line is not.
  (void)parser.ParseFromString(state_text, &state);
  return state.version();
}

absl::StatusOr<CheckpointState> StateOf(const SafetensorsFile& file) {
  const auto text = file.metadata().find(kStateKey);
  if (text == file.metadata().end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(),
                     ": this safetensors file is no checkpoint of a training "
                     "run: its metadata has no '",
                     kStateKey, "'"));
  }
  const int version = VersionOf(text->second);
  if (version > kCheckpointVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(file.path(), ": checkpoint of version ", version,
                     "; this program reads versions 1 to ", kCheckpointVersion,
                     ": use the newer program that wrote it"));
  }
  CheckpointState state;
  absl::Status parsed = ParseTextFormat(absl::StrCat(file.path(), ": state"),
                                        text->second, &state);
  if (parsed.ok() && version < 1) {
    parsed = absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": checkpoint without a version"));
  }
  if (!parsed.ok()) {
    // Without a checksum that vouches for the text, it may be damaged.
    return file.has_checksum() ? parsed : absl::DataLossError(parsed.message());
  }
  if (version <= kLastVersionWithDefaults) {
    UpgradeConfig(state.mutable_config());
  } else {
    MoveFormerFields(state.mutable_config()->mutable_model());
  }
  return state;
}

absl::StatusOr<TrainedModel> LoadOurs(const std::string& path) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(path));
  const CheckpointState& state = checkpoint.state();
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(state.config().model()));
  // Of the same opening as the model: training may replace the file meanwhile.
  ASSIGN_OR_RETURN(networks::AvdNetwork avd, checkpoint.Avd());
  RETURN_IF_ERROR(checkpoint.LoadInto(model.get()));
  return TrainedModel{state.config(), std::move(model), std::move(avd), state};
}

absl::StatusOr<TrainedModel> LoadOriginal(const std::string& path,
                                          const Weights& weights) {
  const TensorMap& tensors = weights.tensors;
  ASSIGN_OR_RETURN(const Config config, ConfigOfOriginal(tensors, path));
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(config.model()));
  networks::weights::LoadOptions options;
  options.key_map = [](const std::string& name) {
    return IsAnimationWeight(name) ? name : "";
  };
  RETURN_IF_ERROR(
      networks::weights::LoadInto(*model, tensors, options, path).status());
  ASSIGN_OR_RETURN(networks::AvdNetwork avd,
                   AvdInCheckpoint(tensors, config.model(), path));
  RETURN_IF_ERROR(weights.Check());
  return TrainedModel{config, std::move(model), std::move(avd)};
}

}  // namespace

TensorMap TensorsOf(const Learnt& learnt) {
  TensorMap tensors;
  AddWithPrefix(kModelPrefix, networks::weights::StateDict(*learnt.model),
                &tensors);
  if (learnt.adam != nullptr) {
    AddWithPrefix(kAdamPrefix, learnt.adam->State(), &tensors);
  }
  if (learnt.average != nullptr) {
    AddWithPrefix(kAveragePrefix, learnt.average->State(), &tensors);
  }
  return tensors;
}

absl::Status SetTensors(const TensorMap& tensors, absl::string_view source,
                        const Learnt& learnt) {
  // Copies take what may not fit, so that an error leaves all as it was.
  std::optional<Adam> adam;
  if (learnt.adam != nullptr) {
    adam = *learnt.adam;
    RETURN_IF_ERROR(
        From(source, adam->SetState(WithPrefix(tensors, kAdamPrefix))));
  }
  const TensorMap averages = WithPrefix(tensors, kAveragePrefix);
  if (learnt.average != nullptr) {
    RETURN_IF_ERROR(From(source, learnt.average->CheckState(averages)));
  }
  RETURN_IF_ERROR(networks::weights::LoadInto(*learnt.model,
                                              WithPrefix(tensors, kModelPrefix),
                                              {}, source)
                      .status());
  if (learnt.average != nullptr)
    learnt.average->SetState(averages).IgnoreError();
  if (adam) *learnt.adam = *std::move(adam);
  return absl::OkStatus();
}

bool HasAvdNetwork(const std::string& path) {
  const absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  return file.ok() && !AvdNames(*file).empty();
}

TensorMap AvdOfSameModel(const std::string& path, const Learnt& learnt) {
  const absl::StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  if (!file.ok()) return {};
  const std::vector<std::string> avd_names = AvdNames(*file);
  if (avd_names.empty()) return {};
  for (const auto& [name, tensor] : TensorsOf(learnt)) {
    if (absl::StartsWith(name, kAdamPrefix)) continue;
    const absl::StatusOr<torch::Tensor> saved = file->tensor(name);
    if (!saved.ok() || saved->dtype() != tensor.dtype() ||
        !torch::equal(*saved, tensor.cpu())) {
      return {};
    }
  }
  // Damage must not get a new checksum.
  if (file->has_checksum() && !file->VerifyChecksum().ok()) return {};
  TensorMap avd;
  for (const std::string& name : avd_names) {
    const absl::StatusOr<torch::Tensor> tensor = file->tensor(name);
    if (!tensor.ok()) return {};
    avd[name] = tensor->clone();
  }
  return file->Check().ok() ? avd : TensorMap();
}

int64_t CheckpointBytes(const Learnt& learnt) {
  int64_t bytes = BytesOf(TensorsOf(learnt));
  if (learnt.adam == nullptr) return bytes;
  // Two moments of each parameter that is not frozen, also of those that have
  // none yet, as of what paints during training.motion_steps.
  const TensorMap state = learnt.adam->State();
  for (const auto& item : learnt.model->named_parameters()) {
    if (!item.value().requires_grad() ||
        state.count(item.key() + ".exp_avg") > 0) {
      continue;
    }
    bytes += 2 * static_cast<int64_t>(item.value().nbytes());
  }
  return bytes;
}

absl::Status SaveCheckpoint(const std::string& path, const Learnt& learnt,
                            const CheckpointState& state,
                            const TensorMap& avd) {
  CheckpointState versioned = state;
  versioned.set_version(kCheckpointVersion);
  ResolveDefaults(versioned.mutable_config());
  std::string text;
  google::protobuf::TextFormat::PrintToString(versioned, &text);
  TensorMap tensors = TensorsOf(learnt);
  tensors.insert(avd.begin(), avd.end());
  absl::Status status = networks::weights::WriteSafetensors(
      path, tensors, {{kStateKey, text}}, networks::weights::Checksum::kSha256);
  if (absl::IsResourceExhausted(status)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(status.message(), "; ", BytesOf(tensors),
                     " bytes are needed for a checkpoint"));
  }
  return status;
}

absl::StatusOr<Checkpoint> Checkpoint::Open(const std::string& path) {
  ASSIGN_OR_RETURN(SafetensorsFile file, OpenUndamaged(path));
  ASSIGN_OR_RETURN(CheckpointState state, StateOf(file));
  if (state.version() >= kFirstVersionWithChecksum && !file.has_checksum()) {
    return absl::DataLossError(
        absl::StrCat(path, ": is damaged: its checksum is not there"));
  }
  return Checkpoint(std::move(file), std::move(state));
}

absl::Status Checkpoint::Restore(const Learnt& learnt) const {
  ASSIGN_OR_RETURN(const TensorMap tensors, file_.tensors());
  RETURN_IF_ERROR(SetTensors(tensors, path(), learnt));
  return file_.Check();
}

absl::Status Checkpoint::LoadInto(AnimationModel* model) const {
  ASSIGN_OR_RETURN(const TensorMap tensors, file_.tensors());
  RETURN_IF_ERROR(
      networks::weights::LoadInto(*model, WeightsToUse(tensors), {}, path())
          .status());
  return file_.Check();
}

absl::StatusOr<networks::AvdNetwork> Checkpoint::Avd() const {
  ASSIGN_OR_RETURN(const TensorMap tensors, file_.tensors());
  ASSIGN_OR_RETURN(networks::AvdNetwork avd,
                   AvdInCheckpoint(tensors, state_.config().model(), path()));
  RETURN_IF_ERROR(file_.Check());
  return avd;
}

absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(path));
  return checkpoint.state();
}

std::string UnpaintedWarning(const TrainedModel& trained) {
  if (!trained.state) return "";
  return UnpaintedWarning(
      PhasesOf(trained.config.training(), BeganPainting(*trained.state)),
      trained.state->step(), trained.state->finished());
}

absl::Status ChooseMotion(const MotionConfig& motion, TrainedModel* trained) {
  ModelConfig chosen = trained->config.model();
  SetMotion(motion, &chosen);
  RETURN_IF_ERROR(trained->model->SetMotion(chosen));
  *trained->config.mutable_model() = chosen;
  return absl::OkStatus();
}

TensorMap WeightsToUse(const TensorMap& tensors) {
  TensorMap weights = WithPrefix(tensors, kModelPrefix);
  if (weights.empty()) return tensors;
  for (auto& [name, average] : WithPrefix(tensors, kAveragePrefix)) {
    weights[name] = average;
  }
  return weights;
}

absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& path,
                                              torch::Device device) {
  // Maps the file and copies nothing.
  ASSIGN_OR_RETURN(const Weights weights, networks::weights::ReadWeights(path));
  ASSIGN_OR_RETURN(TrainedModel trained, weights.metadata.count(kStateKey) > 0
                                             ? LoadOurs(path)
                                             : LoadOriginal(path, weights));
  trained.model->to(device);
  trained.model->eval();
  if (trained.avd) trained.avd->to(device);
  return trained;
}

}  // namespace pipelines
