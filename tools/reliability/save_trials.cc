#include "tools/reliability/save_trials.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/files/temporary.h"
#include "networks/weights/sha256.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/fault_injection.h"

namespace reliability {
namespace {

namespace fs = std::filesystem;
using pipelines::Checkpoint;
using pipelines::CheckpointName;
using pipelines::CheckpointState;
using pipelines::CheckpointStore;

constexpr int kKeep = 2;
constexpr int64_t kOldStep = 2, kNewStep = 3, kNextStep = 4;

// A training whose state at a step depends on nothing else.
class Training {
 public:
  static absl::StatusOr<std::unique_ptr<Training>> Create() {
    // As many tensors as the paper's, each as small as can be.
    ASSIGN_OR_RETURN(
        const pipelines::Config config,
        pipelines::TinyConfig({"model.detector.width=4",
                               "model.dense_motion.block_expansion=4",
                               "model.dense_motion.max_features=8",
                               "model.inpainting.block_expansion=4",
                               "model.inpainting.max_features=8"}));
    torch::manual_seed(1);
    ASSIGN_OR_RETURN(std::shared_ptr<pipelines::AnimationModel> model,
                     pipelines::AnimationModel::Create(config.model()));
    return std::unique_ptr<Training>(new Training(config, std::move(model)));
  }

  // Of another value in every tensor.
  void Step() {
    for (const torch::Tensor& p : model_->parameters()) {
      p.mutable_grad() = torch::rand_like(p);
    }
    adam_.Step(1e-2);
    average_.Update(++step_);
  }

  pipelines::Learnt learnt() { return {model_.get(), &adam_, &average_}; }

  CheckpointState state() const {
    CheckpointState state;
    *state.mutable_config() = config_;
    state.set_step(step_);
    return state;
  }

  std::string Digest() {
    networks::weights::Sha256 digest;
    for (const auto& [name, tensor] : pipelines::TensorsOf(learnt())) {
      const torch::Tensor bytes = tensor.contiguous();
      digest.Add(name);
      digest.Add({static_cast<const char*>(bytes.data_ptr()),
                  static_cast<size_t>(bytes.nbytes())});
    }
    return digest.Finish();
  }

 private:
  Training(const pipelines::Config& config,
           std::shared_ptr<pipelines::AnimationModel> model)
      : config_(config),
        model_(std::move(model)),
        adam_(*model_, pipelines::AdamOptions()),
        average_(*model_, 0.5) {}

  pipelines::Config config_;
  std::shared_ptr<pipelines::AnimationModel> model_;
  pipelines::Adam adam_;
  pipelines::WeightAverage average_;
  int64_t step_ = 0;
};

absl::Status Accept(const CheckpointState&) { return absl::OkStatus(); }

// Names in `folder`, also hidden ones.
std::vector<std::string> AllNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

// Adds up trials, each of which returns "" or what was wrong.
class Report {
 public:
  void Add(const std::string& trial, const std::string& wrong) {
    ++report_.trials;
    if (!wrong.empty()) {
      report_.failures.push_back(absl::StrCat(trial, ": ", wrong));
    }
  }
  TrialReport Take() { return std::move(report_); }

 private:
  TrialReport report_;
};

class SaveTrialsImpl : public SaveTrials {
 public:
  explicit SaveTrialsImpl(std::string folder) : folder_(std::move(folder)) {}

  // The checkpoints of two steps, in base_; expected_ has them all.
  absl::Status Prepare() {
    torch::set_num_threads(1);  // so that fork() has no other threads
    ASSIGN_OR_RETURN(saving_, Training::Create());
    ASSIGN_OR_RETURN(restored_, Training::Create());
    RETURN_IF_ERROR(networks::files::MakeFolder(base_));
    const CheckpointStore store(base_, kKeep);
    for (int64_t step = 1; step <= kNewStep; ++step) {
      saving_->Step();
      expected_[step] = saving_->Digest();
      if (step == kNewStep) break;
      RETURN_IF_ERROR(store.Save(saving_->learnt(), saving_->state()));
    }
    old_bytes_ = ReadOld(base_);
    return absl::OkStatus();
  }

  absl::StatusOr<TrialReport> KillEverywhere(int every) override {
    ASSIGN_OR_RETURN(const std::vector<Call> calls, CallsOfASave());
    Report report;
    int64_t bytes = 0;
    for (size_t i = 0; i < calls.size(); ++i) {
      const Call& call = calls[i];
      Fault fault;
      fault.kill = true;
      if (IsTaken(call, i, every)) {
        fault.at_call = static_cast<int64_t>(i);
        report.Add(absl::StrCat("killed before call ", i, ", ", call.name),
                   Kill(fault, true));
      }
      if (call.bytes > 1 && IsTaken(call, i, every)) {
        fault.at_call = -1;
        fault.at_byte = bytes + call.bytes / 2;
        report.Add(absl::StrCat("killed after byte ", fault.at_byte),
                   Kill(fault, true));
      }
      bytes += call.bytes;
    }
    report.Add("not killed", Kill({}, false));
    return report.Take();
  }

  absl::StatusOr<TrialReport> FailEverywhere(int every, int offsets,
                                             uint64_t seed) override {
    ASSIGN_OR_RETURN(const std::vector<Call> calls, CallsOfASave());
    constexpr int kErrors[] = {ENOSPC, EIO, EDQUOT, EROFS};
    Report report;
    report.Add("the calls of a save", SyncsAroundItsRename(calls));
    Fault fault;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (!IsTaken(calls[i], i, every)) continue;
      for (const int error : kErrors) {
        fault.at_call = static_cast<int64_t>(i);
        fault.error = error;
        report.Add(
            absl::StrCat("errno ", error, " of call ", i, ", ", calls[i].name),
            Fail(fault, /*may_save=*/Removes(calls[i])));
      }
    }
    fault.at_call = -1;
    int64_t bytes = 0;
    for (const Call& call : calls) bytes += call.bytes;
    std::mt19937_64 random(seed);
    for (int i = 0; i < offsets; ++i) {
      fault.at_byte = static_cast<int64_t>(random() % bytes);
      fault.error = kErrors[i % 4];
      report.Add(
          absl::StrCat("errno ", fault.error, " after byte ", fault.at_byte),
          Fail(fault, /*may_save=*/false));
    }
    return report.Take();
  }

  absl::StatusOr<TrialReport> Damage(int flips, int cuts,
                                     uint64_t seed) override {
    std::mt19937_64 random(seed);
    Report report;
    const std::string folder = Fresh();
    const std::string path = PathOf(folder, kOldStep);
    for (int i = 0; i < flips; ++i) {
      std::string bytes = old_bytes_;
      const size_t place = random() % bytes.size();
      const int bit = static_cast<int>(random() % 8);
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << bit));
      report.Add(absl::StrCat("bit ", bit, " of byte ", place, " flipped"),
                 IsFound(folder, path, bytes, i % 100 == 0));
    }
    for (int i = 0; i < cuts; ++i) {
      const size_t size = random() % old_bytes_.size();
      report.Add(
          absl::StrCat("cut off after ", size, " bytes"),
          IsFound(folder, path, old_bytes_.substr(0, size), i % 100 == 0));
    }
    return report.Take();
  }

 private:
  // Of the writes, each `every`th; all other calls.
  static bool IsTaken(const Call& call, size_t index, int every) {
    return call.bytes == 0 || index % static_cast<size_t>(every) == 0;
  }

  // A lock, or an older checkpoint. What is saved does not depend on it.
  static bool Removes(const Call& call) {
    return absl::StartsWith(call.name, "unlink") || call.name == "remove";
  }

  // The file before, and the folder after it.
  static std::string SyncsAroundItsRename(const std::vector<Call>& calls) {
    constexpr const char* kOrder[] = {"fsync", "rename", "fsync"};
    size_t found = 0;
    for (const Call& call : calls) {
      if (found < std::size(kOrder) && call.name == kOrder[found]) ++found;
    }
    return found == std::size(kOrder) ? "" : "no fsync, rename, fsync";
  }

  static std::string PathOf(const std::string& folder, int64_t step) {
    return absl::StrCat(folder, "/", CheckpointName(step));
  }

  static std::string ReadOld(const std::string& folder) {
    networks::files::ReadOptions options;
    options.max_bytes = int64_t{1} << 30;
    const absl::StatusOr<std::string> bytes =
        networks::files::ReadFile(PathOf(folder, kOldStep), options);
    return bytes.ok() ? *bytes : "";
  }

  // A folder with the two checkpoints and nothing else.
  std::string Fresh() const {
    const std::string folder = folder_ + "/trial";
    fs::remove_all(folder);
    fs::copy(base_, folder, fs::copy_options::recursive);
    return folder;
  }

  absl::Status SaveNew(const std::string& folder) {
    return CheckpointStore(folder, kKeep)
        .Save(saving_->learnt(), saving_->state());
  }

  absl::StatusOr<std::vector<Call>> CallsOfASave() {
    const std::string folder = Fresh();
    StartFaults({});
    const absl::Status saved = SaveNew(folder);
    std::vector<Call> calls = StopFaults();
    RETURN_IF_ERROR(saved);
    return calls;
  }

  // Goes on as the run's next session does; "" if all is as it should be.
  std::string GoOn(const std::string& folder, bool must_have_new) {
    networks::files::RemoveAbandoned(folder);
    const CheckpointStore store(folder, kKeep);
    const auto state = store.Restore(Accept, restored_->learnt());
    if (!state.ok()) return std::string(state.status().message());
    if (!*state) return "no checkpoint is there";
    const int64_t step = (*state)->step();
    if (step != kNewStep && (must_have_new || step != kOldStep)) {
      return absl::StrCat("step ", step, " was restored");
    }
    if (restored_->Digest() != expected_.at(step)) {
      return "other tensors were restored than saved";
    }
    CheckpointState next = **state;
    next.set_step(kNextStep);
    const absl::Status saved = store.Save(restored_->learnt(), next);
    if (!saved.ok()) return absl::StrCat("next save: ", saved.message());
    return OnlyCheckpointsIn(folder);
  }

  static std::string OnlyCheckpointsIn(const std::string& folder) {
    for (const std::string& name : AllNames(folder)) {
      if (!absl::StartsWith(name, "step-")) return absl::StrCat(name, " stays");
    }
    return "";
  }

  std::string Kill(const Fault& fault, bool dies) {
    const std::string folder = Fresh();
    const pid_t child = fork();
    if (child == 0) {
      StartFaults(fault);
      _exit(SaveNew(folder).ok() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (died != dies) return absl::StrCat("ended with status ", status);
    return GoOn(folder, /*must_have_new=*/!dies);
  }

  std::string Fail(const Fault& fault, bool may_save) {
    const std::string folder = Fresh();
    StartFaults(fault);
    const absl::Status saved = SaveNew(folder);
    StopFaults();
    if (saved.ok() && !may_save) return "the save says that it succeeded";
    if (!saved.ok()) {
      const std::string wrong = CheckError(saved, fault, folder);
      if (!wrong.empty()) return wrong;
    }
    return GoOn(folder, /*must_have_new=*/saved.ok());
  }

  std::string CheckError(const absl::Status& error, const Fault& fault,
                         const std::string& folder) const {
    const std::string message(error.message());
    if (!absl::StrContains(message, folder)) {
      return absl::StrCat("the message names no path: ", message);
    }
    if (pipelines::ExitCode(error) != 129) {
      return absl::StrCat("trying again can help, but not after: ", message);
    }
    const bool is_full = fault.error == ENOSPC || fault.error == EDQUOT;
    if (is_full && !absl::StrContains(message, "bytes are needed")) {
      return absl::StrCat("the message does not say what is needed: ", message);
    }
    if (ReadOld(folder) != old_bytes_) return "the old checkpoint has changed";
    // The lock of a save goes with it, unless removing it is what failed.
    for (const std::string& name : AllNames(folder)) {
      if (absl::EndsWith(name, ".tmp")) return absl::StrCat(name, " is left");
    }
    return "";
  }

  std::string IsFound(const std::string& folder, const std::string& path,
                      const std::string& bytes, bool in_a_run) {
    const int descriptor =
        open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    close(descriptor);
    if (written != static_cast<ssize_t>(bytes.size())) return "not damaged";
    const absl::Status opened = Checkpoint::Open(path).status();
    if (!absl::IsDataLoss(opened)) {
      return absl::StrCat("not found: ", opened.ToString());
    }
    if (!absl::StrContains(std::string(opened.message()), path)) {
      return absl::StrCat("the message names no path: ", opened.message());
    }
    return in_a_run ? IsSetAside(folder, path) : "";
  }

  std::string IsSetAside(const std::string& folder, const std::string& path) {
    const CheckpointStore store(folder, kKeep);
    for (int session = 0; session < 2; ++session) {
      const auto state = store.Restore(Accept, restored_->learnt());
      if (!state.ok()) return std::string(state.status().message());
      if (!*state || (*state)->step() != 1) return "not step 1 was restored";
      if (restored_->Digest() != expected_.at(1)) return "other tensors";
      if (fs::exists(path)) return "the damaged file is tried again";
    }
    if (!fs::exists(path + ".unreadable")) return "the damaged file is gone";
    fs::remove(path + ".unreadable");
    return "";
  }

  const std::string folder_;
  const std::string base_ = folder_ + "/base";
  std::unique_ptr<Training> saving_;  // at kNewStep
  std::unique_ptr<Training> restored_;
  std::map<int64_t, std::string> expected_;  // digests of all tensors, by step
  std::string old_bytes_;                    // of the checkpoint of kOldStep
};

}  // namespace

absl::StatusOr<std::unique_ptr<SaveTrials>> SaveTrials::Create(
    const std::string& folder) {
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  if (!fs::is_empty(folder)) {
    return absl::AlreadyExistsError(
        absl::StrCat(folder, ": is not empty; name a new folder"));
  }
  auto trials = std::make_unique<SaveTrialsImpl>(folder);
  RETURN_IF_ERROR(trials->Prepare());
  return trials;
}

}  // namespace reliability
