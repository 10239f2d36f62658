#include "pipelines/checkpoint.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"
#include "networks/weights/load.h"
#include "networks/weights/read.h"
#include "pipelines/config/config.h"
#include "pipelines/config/text_format.h"
#include "pipelines/original_checkpoint.h"
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

absl::Status From(absl::string_view source, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(source, ": ", status.message()));
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
  CheckpointState state;
  RETURN_IF_ERROR(ParseTextFormat(absl::StrCat(file.path(), ": state"),
                                  text->second, &state));
  if (state.version() < 1 || state.version() > kCheckpointVersion) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.path(), ": checkpoint of version ", state.version(),
        "; this program reads versions 1 to ", kCheckpointVersion));
  }
  MoveFormerFields(state.mutable_config());
  return state;
}

absl::StatusOr<TrainedModel> LoadOurs(const std::string& path) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(path));
  const Config& config = checkpoint.state().config();
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(config.model()));
  RETURN_IF_ERROR(checkpoint.LoadInto(model.get()));
  return TrainedModel{config, std::move(model)};
}

absl::StatusOr<TrainedModel> LoadOriginal(const std::string& path,
                                          const TensorMap& tensors) {
  ASSIGN_OR_RETURN(const Config config, ConfigOfOriginal(tensors, path));
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(config.model()));
  networks::weights::LoadOptions options;
  options.key_map = [](const std::string& name) {
    return IsAnimationWeight(name) ? name : "";
  };
  RETURN_IF_ERROR(
      networks::weights::LoadInto(*model, tensors, options, path).status());
  return TrainedModel{config, std::move(model)};
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

absl::Status SaveCheckpoint(const std::string& path, const Learnt& learnt,
                            const CheckpointState& state) {
  CheckpointState versioned = state;
  versioned.set_version(kCheckpointVersion);
  std::string text;
  google::protobuf::TextFormat::PrintToString(versioned, &text);
  return networks::weights::WriteSafetensors(
      path, TensorsOf(learnt), {{kStateKey, text}},
      networks::weights::Checksum::kSha256);
}

absl::StatusOr<Checkpoint> Checkpoint::Open(const std::string& path) {
  ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path));
  if (file.has_checksum()) RETURN_IF_ERROR(file.VerifyChecksum());
  ASSIGN_OR_RETURN(CheckpointState state, StateOf(file));
  if (state.version() >= kFirstVersionWithChecksum && !file.has_checksum()) {
    return absl::DataLossError(
        absl::StrCat(path, ": is damaged: its checksum is not there"));
  }
  return Checkpoint(std::move(file), std::move(state));
}

absl::Status Checkpoint::Restore(const Learnt& learnt) const {
  ASSIGN_OR_RETURN(const TensorMap tensors, file_.tensors());
  return SetTensors(tensors, path(), learnt);
}

absl::Status Checkpoint::LoadInto(AnimationModel* model) const {
  ASSIGN_OR_RETURN(const TensorMap tensors, file_.tensors());
  return networks::weights::LoadInto(*model, WeightsToUse(tensors), {}, path())
      .status();
}

absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(path));
  return checkpoint.state();
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
  ASSIGN_OR_RETURN(TrainedModel trained,
                   weights.metadata.count(kStateKey) > 0
                       ? LoadOurs(path)
                       : LoadOriginal(path, weights.tensors));
  ASSIGN_OR_RETURN(trained.avd, AvdOfOriginal(weights.tensors,
                                              trained.config.model(), path));
  trained.model->to(device);
  trained.model->eval();
  if (trained.avd) trained.avd->to(device);
  return trained;
}

}  // namespace pipelines
