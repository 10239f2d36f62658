#include "pipelines/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"
#include "networks/weights/load.h"
#include "networks/weights/read.h"
#include "networks/weights/safetensors.h"
#include "pipelines/config/config.h"
#include "pipelines/config/text_format.h"
#include "pipelines/original_checkpoint.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using networks::weights::SafetensorsFile;
using networks::weights::TensorMap;
using networks::weights::Weights;

constexpr char kModelPrefix[] = "model.";
constexpr char kAdamPrefix[] = "adam.";
constexpr char kStateKey[] = "state";

void AddWithPrefix(const char* prefix, const TensorMap& from, TensorMap* to) {
  for (const auto& [name, tensor] : from) {
    (*to)[absl::StrCat(prefix, name)] = tensor;
  }
}

absl::StatusOr<TensorMap> TensorsWithPrefix(const SafetensorsFile& file,
                                            absl::string_view prefix) {
  TensorMap result;
  for (const std::string& name : file.names()) {
    absl::string_view rest = name;
    if (!absl::ConsumePrefix(&rest, prefix)) continue;
    ASSIGN_OR_RETURN(result[std::string(rest)], file.tensor(name));
  }
  return result;
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
  ASSIGN_OR_RETURN(const CheckpointState state, ReadCheckpointState(path));
  ASSIGN_OR_RETURN(std::shared_ptr<AnimationModel> model,
                   AnimationModel::Create(state.config().model()));
  RETURN_IF_ERROR(LoadCheckpoint(path, model.get(), /*adam=*/nullptr));
  return TrainedModel{state.config(), std::move(model)};
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
  ASSIGN_OR_RETURN(networks::AvdNetwork avd,
                   AvdOfOriginal(tensors, config.model(), path));
  return TrainedModel{config, std::move(model), std::move(avd)};
}

}  // namespace

absl::Status SaveCheckpoint(const std::string& path,
                            const AnimationModel& model, const Adam& adam,
                            const CheckpointState& state) {
  CheckpointState versioned = state;
  versioned.set_version(kCheckpointVersion);
  std::string text;
  google::protobuf::TextFormat::PrintToString(versioned, &text);
  TensorMap tensors;
  AddWithPrefix(kModelPrefix, networks::weights::StateDict(model), &tensors);
  AddWithPrefix(kAdamPrefix, adam.State(), &tensors);
  return networks::weights::WriteSafetensors(path, tensors,
                                             {{kStateKey, text}});
}

absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  return StateOf(file);
}

absl::Status LoadCheckpoint(const std::string& path, AnimationModel* model,
                            Adam* adam) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  RETURN_IF_ERROR(StateOf(file).status());
  ASSIGN_OR_RETURN(const TensorMap weights,
                   TensorsWithPrefix(file, kModelPrefix));
  RETURN_IF_ERROR(
      networks::weights::LoadInto(*model, weights, {}, path).status());
  if (adam == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const TensorMap adam_state,
                   TensorsWithPrefix(file, kAdamPrefix));
  if (absl::Status status = adam->SetState(adam_state); !status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", status.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& path,
                                              torch::Device device) {
  // Maps the file and copies nothing.
  ASSIGN_OR_RETURN(const Weights weights, networks::weights::ReadWeights(path));
  ASSIGN_OR_RETURN(TrainedModel trained,
                   weights.metadata.count(kStateKey) > 0
                       ? LoadOurs(path)
                       : LoadOriginal(path, weights.tensors));
  trained.model->to(device);
  trained.model->eval();
  if (trained.avd) trained.avd->to(device);
  return trained;
}

std::string CheckpointName(int64_t step) {
  return absl::StrFormat("step-%09d.safetensors", step);
}

std::vector<std::string> ListCheckpoints(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, "step-") &&
        entry.path().extension() == ".safetensors") {
      paths.push_back(entry.path());
    }
  }
  // The numbers are padded, so names sort as they do.
  std::sort(paths.rbegin(), paths.rend());
  return paths;
}

void RemoveOldCheckpoints(const std::string& folder, int keep) {
  const std::vector<std::string> paths = ListCheckpoints(folder);
  for (size_t i = keep; i < paths.size(); ++i) {
    std::error_code ignored;  // What stays does no harm.
    fs::remove(paths[i], ignored);
  }
}

}  // namespace pipelines
