#include "tools/reliability/kill_trials.h"

#include <poll.h>
#include <sys/inotify.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "pipelines/base/child_process.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "third_party/absl/status_macros.h"

namespace reliability {
namespace {

namespace fs = std::filesystem;
using networks::files::IsTemporaryName;
using networks::files::ReadNonEmptyFile;
using networks::weights::SafetensorsFile;
using pipelines::ChildProcess;
using pipelines::Random;

// Names in the folder: the run that is left alone, and the others before their
// seeds.
constexpr char kUndisturbed[] = "undisturbed";
constexpr char kTrial[] = "trial-";

std::string Checkpoints(const std::string& output) {
  return output + "/checkpoints";
}

bool HasHalfWrittenCheckpoint(const std::string& output) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(Checkpoints(output), error)) {
    if (IsTemporaryName(entry.path().filename())) return true;
  }
  return false;
}

// Tells when files are begun in a folder.
class FolderWatch {
 public:
  static absl::StatusOr<std::unique_ptr<FolderWatch>> Create(
      const std::string& folder) {
    std::unique_ptr<FolderWatch> watch(
        new FolderWatch(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
    if (watch->descriptor_ >= 0 &&
        inotify_add_watch(watch->descriptor_, folder.c_str(), IN_CREATE) >= 0) {
      return watch;
    }
    return networks::files::SystemError(
        errno, folder,
        "watch it, which fs.inotify.max_user_instances and max_user_watches "
        "limit");
  }
  ~FolderWatch() { close(descriptor_); }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Waits for up to `timeout`; how many temporaries were begun since.
  int64_t Wait(absl::Duration timeout) const {
    pollfd ready = {descriptor_, POLLIN, 0};
    poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
    alignas(inotify_event) char buffer[1 << 14];
    const ssize_t size = read(descriptor_, buffer, sizeof(buffer));
    int64_t count = 0;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if (event->len > 0 && IsTemporaryName(event->name)) ++count;
      at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
    }
    return count;
  }

 private:
  explicit FolderWatch(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

absl::Duration DrawDuration(absl::Duration max, Random& random) {
  return random.Uniform() * max;
}

std::vector<std::string> Command(const std::vector<std::string>& command,
                                 const std::string& output, Random& random) {
  constexpr int64_t kMostWorkers = 3;
  std::vector<std::string> words = command;
  for (const std::string& word :
       {std::string("--output"), output, std::string("--set"),
        absl::StrCat("data.workers=", 1 + random.Below(kMostWorkers))}) {
    words.push_back(word);
  }
  return words;
}

absl::Status RunToTheEnd(const std::vector<std::string>& command,
                         const std::string& output) {
  const std::string log = output + ".log";
  ASSIGN_OR_RETURN(ChildProcess trainer, ChildProcess::Start(command, {log}));
  const int exit_code = trainer.Wait();
  if (exit_code == 0) return absl::OkStatus();
  const std::string text =
      ReadNonEmptyFile(log).value_or("it left no word in its log");
  return absl::FailedPreconditionError(absl::StrCat(
      "the trainer ended with ", exit_code, ": ",
      text.substr(text.size() - std::min<size_t>(text.size(), 500))));
}

std::string NewestCheckpoint(const std::string& output) {
  const auto paths = pipelines::ListCheckpoints(Checkpoints(output));
  return paths.empty() ? "" : paths[0];
}

absl::StatusOr<bool> HaveSameTensors(const std::string& a,
                                     const std::string& b) {
  ASSIGN_OR_RETURN(const SafetensorsFile file_a, SafetensorsFile::Open(a));
  ASSIGN_OR_RETURN(const SafetensorsFile file_b, SafetensorsFile::Open(b));
  if (file_a.names() != file_b.names()) return false;
  for (const std::string& name : file_a.names()) {
    ASSIGN_OR_RETURN(const torch::Tensor tensor_a, file_a.tensor(name));
    ASSIGN_OR_RETURN(const torch::Tensor tensor_b, file_b.tensor(name));
    if (!torch::equal(tensor_a, tensor_b)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<bool> HaveSameContents(const std::string& a,
                                      const std::string& b) {
  ASSIGN_OR_RETURN(const std::string contents, ReadNonEmptyFile(a));
  ASSIGN_OR_RETURN(const std::string others, ReadNonEmptyFile(b));
  return contents == others;
}

absl::StatusOr<KillTrials> KillTrials::Create(
    const KillTrialsOptions& options) {
  const std::string output = absl::StrCat(options.folder, "/", kUndisturbed);
  RETURN_IF_ERROR(networks::files::MakeFolder(Checkpoints(output)));
  Random random({0});
  const std::vector<std::string> command =
      Command(options.command, output, random);
  ASSIGN_OR_RETURN(const auto watch, FolderWatch::Create(Checkpoints(output)));
  const absl::Time start = absl::Now();
  RETURN_IF_ERROR(RunToTheEnd(command, output));
  const absl::Duration duration = absl::Now() - start;
  const int64_t num_saves = watch->Wait(absl::ZeroDuration());
  if (num_saves == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(output,
                     ": the run saved nothing, so that none can be "
                     "killed inside a save"));
  }
  return KillTrials(options, duration, num_saves);
}

absl::StatusOr<KillTrial> KillTrials::Run(uint64_t seed) const {
  constexpr int64_t kMostKills = 3;
  Random random({seed});
  KillTrial trial;
  trial.seed = seed;
  const std::string output = absl::StrCat(options_.folder, "/", kTrial, seed);
  RETURN_IF_ERROR(networks::files::MakeFolder(Checkpoints(output)));
  const absl::Cleanup remove = [&] {
    std::error_code ignored;
    fs::remove_all(output, ignored);
    fs::remove(output + ".log", ignored);
  };
  const auto kills = static_cast<int>(1 + random.Below(kMostKills));
  for (int i = 0; i < kills; ++i) {
    RETURN_IF_ERROR(
        RunAndKill(output, /*in_save=*/random.Below(3) == 0, random, &trial));
  }
  ++trial.sessions;
  RETURN_IF_ERROR(
      RunToTheEnd(Command(options_.command, output, random), output));
  const std::string undisturbed =
      absl::StrCat(options_.folder, "/", kUndisturbed);
  ASSIGN_OR_RETURN(
      trial.same_weights,
      HaveSameTensors(NewestCheckpoint(undisturbed), NewestCheckpoint(output)));
  ASSIGN_OR_RETURN(
      trial.same_losses,
      HaveSameContents(undisturbed + "/losses.csv", output + "/losses.csv"));
  return trial;
}

// A session may end before its time has come; then there is no kill to count,
// and the next one starts where nothing is left to do.
absl::Status KillTrials::RunAndKill(const std::string& output, bool in_save,
                                    Random& random, KillTrial* trial) const {
  // Longer than a save of a small checkpoint with its sync takes, so that some
  // come after it.
  constexpr absl::Duration kSave = absl::Milliseconds(6);
  ASSIGN_OR_RETURN(const auto watch, FolderWatch::Create(Checkpoints(output)));
  ASSIGN_OR_RETURN(
      ChildProcess trainer,
      ChildProcess::Start(Command(options_.command, output, random),
                          {output + ".log"}));
  ++trial->sessions;
  const absl::Time end = absl::Now() + DrawDuration(duration_, random);
  int64_t saves = 1 + random.Below(num_saves_);
  while (trainer.IsRunning()) {
    if (in_save) {
      saves -= watch->Wait(absl::Milliseconds(20));
      if (saves > 0) continue;
      absl::SleepFor(DrawDuration(kSave, random));
      break;
    }
    absl::SleepFor(std::min(absl::Milliseconds(1), end - absl::Now()));
    if (absl::Now() >= end) break;
  }
  if (!trainer.IsRunning()) return absl::OkStatus();
  trainer.Signal(SIGKILL);
  trainer.Wait();
  ++trial->kills;
  if (HasHalfWrittenCheckpoint(output)) ++trial->kills_in_save;
  return absl::OkStatus();
}

}  // namespace reliability
