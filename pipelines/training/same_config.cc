#include "pipelines/training/same_config.h"

#include <algorithm>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pipelines/config/config.h"

namespace pipelines {
namespace {

constexpr char kMismatchUrl[] = "cpab_animation/config_mismatch";

// What may change from one session of a run to the next: how long it goes on
// and what makes no difference to its result; and how a step's pairs are dealt
// out, which is looked at apart.
Config WithoutLimits(Config config) {
  TrainingConfig* training = config.mutable_training();
  training->clear_num_epochs();
  training->clear_max_steps();
  training->clear_max_minutes();
  training->clear_checkpoint_epochs();
  training->clear_checkpoint_minutes();
  training->clear_checkpoint_steps();
  training->clear_keep_checkpoints();
  training->clear_best_checkpoint();
  training->clear_picture_epochs();
  training->clear_peer_timeout_seconds();
  training->clear_initial_weights();
  training->clear_recompute();
  training->clear_batch_size();
  training->clear_accumulation();
  config.mutable_data()->clear_workers();
  config.mutable_data()->clear_cache_mib();
  config.mutable_data()->clear_max_bad_share();
  config.mutable_losses()->mutable_semantic()->clear_cache_gib();
  // A larger one had no effect on square frames, before configs with one were
  // refused; on others it rounds differently.
  StructureConfig* structure = config.mutable_losses()->mutable_structure();
  if (config.data().width() == config.data().height()) {
    structure->set_input_size(
        std::min(structure->input_size(), structure->max_size()));
  }
  config.clear_evaluation();
  config.clear_avd();
  return config;
}

}  // namespace

int64_t SamplesPerStep(const Config& config, int processes) {
  return int64_t{config.training().batch_size()} *
         config.training().accumulation() * processes;
}

// Checkpoints of version 1 do not say; there it was the batch size.
int64_t SamplesPerStep(const CheckpointState& state) {
  return state.samples_per_step() > 0 ? state.samples_per_step()
                                      : state.config().training().batch_size();
}

absl::Status CheckSameConfig(const std::string& folder,
                             const CheckpointState& state, const Config& now,
                             int processes) {
  Config was = WithoutLimits(state.config()), is = WithoutLimits(now);
  // The clips decide, wherever they are: Session::CompareClips.
  if (was.data().has_folder() && is.data().has_folder()) {
    was.mutable_data()->set_folder("");
    is.mutable_data()->set_folder("");
  }
  std::vector<std::string> differences = ConfigDifferences(was, is);
  // Another number of processes may change the pairs of a step, a config that
  // was edited may not, unless it makes up for the number of processes.
  const TrainingConfig& then = state.config().training();
  const bool same_batches =
      then.batch_size() == now.training().batch_size() &&
      then.accumulation() == now.training().accumulation();
  const int64_t samples = SamplesPerStep(now, processes);
  if (!same_batches && SamplesPerStep(state) != samples) {
    differences.push_back(absl::StrCat(
        "modified: training.batch_size * training.accumulation * processes: ",
        SamplesPerStep(state), " -> ", samples));
  }
  return differences.empty() ? absl::OkStatus()
                             : ConfigMismatch(folder, differences);
}

absl::Status ConfigMismatch(const std::string& folder,
                            const std::vector<std::string>& differences) {
  absl::Status status = absl::FailedPreconditionError(absl::StrCat(
      folder, " holds a run of another config (",
      absl::StrJoin(differences, "; "), "), and a run keeps its settings"));
  status.SetPayload(kMismatchUrl, absl::Cord());
  return status;
}

bool IsConfigMismatch(const absl::Status& status) {
  return status.GetPayload(kMismatchUrl).has_value();
}

}  // namespace pipelines
