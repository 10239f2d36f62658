// tools/bazelw run //tools/reliability:kill_trials: see kUsage.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/atomic_file.h"
#include "networks/files/outputs.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/kill_trials.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(int, trials, 100, "How many runs to disturb.");
ABSL_FLAG(uint64_t, first_seed, 1,
          "Seed of the first; the others follow. A seed decides when its run "
          "is killed.");
ABSL_FLAG(std::string, folder, "",
          "Where a folder for the runs is made, and removed at the end; empty: "
          "among temporary files.");
ABSL_FLAG(std::string, table, "",
          "Markdown file for the table, written anew after every trial.");
ABSL_FLAG(bool, overwrite, false, "Replace a --table that exists.");

namespace reliability {
namespace {

using pipelines::StopSignal;
using pipelines::UsageError;
using pipelines::UserPath;

constexpr char kUsage[] =
    R"(Kills training runs and checks that they end as if they had not been killed.

  tools/bazelw run //tools/reliability:kill_trials -- --trials 100 --table trials.md

Each trial trains the config of
pipelines/training/testdata/kill_trials.textproto anew, kills it (SIGKILL) one
to three times, a third of them while it writes a checkpoint, starts it again
each time with another number of loader threads, and compares weights,
optimizer, averages and losses.csv, bit for bit, with a run that was left alone.

Exit codes: 0 all alike, 1 not, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

std::string Summary(const std::vector<KillTrial>& trials) {
  int kills = 0, in_save = 0, passed = 0;
  for (const KillTrial& trial : trials) {
    kills += trial.kills;
    in_save += trial.kills_in_save;
    passed += trial.passed();
  }
  return absl::StrFormat(
      "%d trials, %d kills, %d of them inside a save: %d ended with identical "
      "weights and losses, %d did not.\n",
      trials.size(), kills, in_save, passed, trials.size() - passed);
}

std::string Table(const std::vector<KillTrial>& trials) {
  std::string text = absl::StrCat(
      Summary(trials),
      "\n"
      "| seed | sessions | kills | inside a save | weights | losses |\n"
      "| --- | --- | --- | --- | --- | --- |\n");
  for (const KillTrial& trial : trials) {
    absl::StrAppendFormat(&text, "| %d | %d | %d | %d | %s | %s |\n",
                          trial.seed, trial.sessions, trial.kills,
                          trial.kills_in_save,
                          trial.same_weights ? "identical" : "DIFFERENT",
                          trial.same_losses ? "identical" : "DIFFERENT");
  }
  return text;
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_trials) < 1) {
    return UsageError(absl::InvalidArgumentError(absl::StrCat(
        "--trials is ", absl::GetFlag(FLAGS_trials), "; use 1 or more")));
  }
  const std::string table = UserPath(absl::GetFlag(FLAGS_table));
  networks::files::PlannedOutputs planned;
  planned.files = {table};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  RETURN_IF_ERROR(pipelines::CheckUserOutputs(planned));
  pipelines::CatchStopSignals();
  ASSIGN_OR_RETURN(const ScratchFolder scratch,
                   ScratchFolder::Make(UserPath(absl::GetFlag(FLAGS_folder)),
                                       "kill_trials"));
  KillTrialsOptions options;
  options.folder = scratch.path();
  // Among this program's own files, not where the user stands.
  options.command = {"pipelines/train", "--config",
                     std::filesystem::absolute(
                         "pipelines/training/testdata/kill_trials.textproto"),
                     "--device=cpu", "--threads=1"};
  ASSIGN_OR_RETURN(const KillTrials runner, KillTrials::Create(options));
  std::vector<KillTrial> trials;
  bool all_passed = true;
  for (int i = 0; i < absl::GetFlag(FLAGS_trials); ++i) {
    if (StopSignal() != 0) return pipelines::StoppedBySignal(StopSignal());
    ASSIGN_OR_RETURN(trials.emplace_back(),
                     runner.Run(absl::GetFlag(FLAGS_first_seed) + i));
    const KillTrial& trial = trials.back();
    all_passed = all_passed && trial.passed();
    absl::PrintF("seed %d: %d kills, %d inside a save: %s\n", trial.seed,
                 trial.kills, trial.kills_in_save,
                 trial.passed() ? "identical" : "DIFFERENT");
    std::fflush(stdout);
    if (table.empty()) continue;
    RETURN_IF_ERROR(networks::files::WriteAtomically(table, Table(trials)));
  }
  std::printf("%s", Summary(trials).c_str());
  if (all_passed) return absl::OkStatus();
  return absl::DataLossError("some runs ended otherwise; see the table");
}
}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram({"kill_trials", reliability::kUsage, __FILE__},
                               argc, argv, reliability::Run);
}
