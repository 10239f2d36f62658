// tools/bazelw run //tools/reliability:save_trials: see kUsage.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/save_trials.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(std::string, folder, "",
          "Where a folder for the trials is made, and removed at the end; "
          "empty: among temporary files.");
ABSL_FLAG(int, every, 1,
          "Of the writes of a save, only each so many-th is killed or fails.");
ABSL_FLAG(int, offsets, 100, "Numbers of bytes after which the disk is full.");
ABSL_FLAG(int, flips, 10000, "Bits to flip, one at a time.");
ABSL_FLAG(int, cuts, 1000, "Lengths to which to cut a file off.");
ABSL_FLAG(uint64_t, seed, 1, "Decides the places.");

namespace {

using reliability::SaveTrials;
using reliability::ScratchFolder;
using reliability::TrialReport;

constexpr char kUsage[] =
    R"(Kills and fails saves of checkpoints everywhere, and damages checkpoints.

  tools/bazelw run //tools/reliability:save_trials

A save is killed before each of its system calls and inside each write; each of
its calls fails with ENOSPC, EIO, EDQUOT and EROFS, and the disk is full after
any number of bytes; bits of a checkpoint are flipped, and its end is cut off.
Prints, for each of the three, the trials and the failures.

Exit codes: 0 all as it should be, 1 not, 2 bad flag.)";

// Prints a line of the table and what went wrong; whether nothing did.
bool Print(const char* what, const TrialReport& report) {
  std::printf("| %s | %lld | %zu |\n", what,
              static_cast<long long>(report.trials), report.failures.size());
  for (const std::string& failure : report.failures) {
    std::printf("%s\n", failure.c_str());
  }
  std::fflush(stdout);
  return report.failures.empty();
}

absl::Status RunTrials(const std::string& folder) {
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  ASSIGN_OR_RETURN(const std::unique_ptr<SaveTrials> trials,
                   SaveTrials::Create(folder));
  ASSIGN_OR_RETURN(const TrialReport kills,
                   trials->KillEverywhere(absl::GetFlag(FLAGS_every)));
  bool all_passed = Print("a save is killed", kills);
  ASSIGN_OR_RETURN(const TrialReport faults,
                   trials->FailEverywhere(absl::GetFlag(FLAGS_every),
                                          absl::GetFlag(FLAGS_offsets), seed));
  all_passed = Print("a save fails", faults) && all_passed;
  ASSIGN_OR_RETURN(const TrialReport damage,
                   trials->Damage(absl::GetFlag(FLAGS_flips),
                                  absl::GetFlag(FLAGS_cuts), seed));
  all_passed = Print("a checkpoint is damaged", damage) && all_passed;
  if (all_passed) return absl::OkStatus();
  return absl::DataLossError("some trials ended otherwise; see above");
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_every) < 1) {
    return pipelines::BadFlag("every is ", absl::GetFlag(FLAGS_every),
                              "; use 1 or more");
  }
  for (const auto& [name, value] :
       {std::pair("offsets", absl::GetFlag(FLAGS_offsets)),
        {"flips", absl::GetFlag(FLAGS_flips)},
        {"cuts", absl::GetFlag(FLAGS_cuts)}}) {
    if (value < 0) {
      return pipelines::BadFlag(name, " is ", value, "; use 0 or more");
    }
  }
  ASSIGN_OR_RETURN(
      const ScratchFolder scratch,
      ScratchFolder::Make(pipelines::UserPath(absl::GetFlag(FLAGS_folder)),
                          "save_trials"));
  return RunTrials(scratch.path());
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"save_trials", kUsage, __FILE__}, argc, argv,
                               Run);
}
