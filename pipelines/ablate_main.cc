// tools/bazelw run //pipelines:ablate: see kUsage.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "networks/files/read_file.h"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/program_hooks.h"
#include "pipelines/base/child_process.h"
#include "pipelines/base/shipped_file.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "pipelines/study/report.h"
#include "pipelines/study/runner.h"
#include "pipelines/study/study.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, study, "",
          "Study file (*.textproto), or the name of a shipped one, as "
          "motion-models-demo.");
ABSL_FLAG(std::string, output, "",
          "Folder of the study; what is finished in it is not done again. "
          "Without it, runs/<name of the study>.");
ABSL_FLAG(std::vector<std::string>, seeds, {},
          "Instead of the file's seeds: numbers with commas between.");
ABSL_FLAG(int64_t, steps, 0,
          "Instead of the file's budget: so many steps for each run.");
ABSL_FLAG(double, minutes, 0,
          "Instead of the file's budget: so many minutes of training for each "
          "run.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(bool, evaluate_again, false,
          "Also evaluate the finished runs once more, as where metrics have "
          "been added. The study's tables and page have the new scores, the "
          "page of each run the former ones.");
ABSL_FLAG(bool, report_only, false,
          "Train nothing: write tables and pages from the runs that there "
          "are.");
ABSL_FLAG(std::string, set, "",
          "path.to.field=value: overrides a field of every variant's config, "
          "as in --set data.folder=clips. May be given many times.");

namespace pipelines {
namespace {

constexpr char kUsage[] =
    R"(Trains and evaluates the variants of a study and compares them.

  tools/bazelw run //pipelines:ablate -- --study motion-models-demo
      Affine maps, thin-plate splines, B-splines and CPAB on the bundled
      puppets, two seeds each: half an hour of training on two CPU cores.

Leaves a page with tables (mean and standard deviation over seeds), curves and
pictures of all variants on the same test pairs; table.txt, table.csv and
runs.csv have the numbers. Each run is a process of its own. Run again with the
same arguments to go on after Ctrl-C or a crash.

A study names a config, variants by overrides, seeds and a budget, which
--seeds, --steps and --minutes replace: pipelines/study/study.proto of the
source tree. Those of pipelines/study/shipped are shipped.

Exit codes: 0 done, 1 a run failed, 2 bad flag, study or config; above 128, try
again: 129 disk full, folder locked or read-only, 130 Ctrl-C, 143 SIGTERM.)";

absl::StatusOr<StudyBudget> BudgetFromFlags() {
  StudyBudget budget;
  for (const std::string& text : absl::GetFlag(FLAGS_seeds)) {
    if (!absl::SimpleAtoi(text, &budget.seeds.emplace_back())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--seeds has '", text, "'; use whole numbers from 0 on, as 0,1,2"));
    }
  }
  budget.steps = absl::GetFlag(FLAGS_steps);
  budget.minutes = absl::GetFlag(FLAGS_minutes);
  if (budget.steps < 0 || !(budget.minutes >= 0)) {
    return absl::InvalidArgumentError(
        "--steps and --minutes are of each run; use numbers above 0");
  }
  if (budget.steps > 0 && budget.minutes > 0) {
    return absl::InvalidArgumentError(
        "--steps and --minutes are two budgets of each run; give one of them");
  }
  return budget;
}

absl::StatusOr<StudyPlan> PlanFromFlags(
    const std::vector<std::string>& overrides) {
  const std::string name = absl::GetFlag(FLAGS_study);
  if (name.empty()) {
    return absl::InvalidArgumentError("--study is needed; see --help");
  }
  ASSIGN_OR_RETURN(const std::string path,
                   ShippedOrUserFile("study", "pipelines/study/shipped", name));
  const std::string output = absl::GetFlag(FLAGS_output);
  ASSIGN_OR_RETURN(const StudyBudget budget, BudgetFromFlags());
  return LoadStudy(
      path,
      UserPath(output.empty()
                   ? absl::StrCat("runs/",
                                  std::filesystem::path(path).stem().string())
                   : output),
      overrides, budget);
}

absl::Status Ablate(const StudyPlan& plan) {
  ProgramHooks program("ablate");
  StudyRunnerOptions options;
  options.train = SiblingProgram("train");
  options.evaluate = SiblingProgram("evaluate");
  options.flags = {absl::StrCat("--device=", absl::GetFlag(FLAGS_device)),
                   absl::StrCat("--threads=", absl::GetFlag(FLAGS_threads))};
  options.hooks = program.hooks();
  options.evaluate_again = absl::GetFlag(FLAGS_evaluate_again);
  options.report = [&plan] { return WriteStudyReport(plan); };
  if (absl::GetFlag(FLAGS_report_only)) {
    // Else its tables would be replaced by ones without these runs.
    RETURN_IF_ERROR(CheckRunsComparable(plan));
    RETURN_IF_ERROR(WriteStudyReport(plan));
  } else {
    RETURN_IF_ERROR(RunStudy(plan, options));
  }
  ASSIGN_OR_RETURN(const std::string table, networks::files::ReadNonEmptyFile(
                                                plan.output + "/table.txt"));
  PrintLines(stdout, table);
  std::printf(
      "ablate: look at %s/index.html\n",
      std::filesystem::absolute(plan.output).lexically_normal().c_str());
  return absl::OkStatus();
}

std::vector<FlagGroup> FlagGroups() {
  return {{"What is compared", {"study", "seeds", "steps", "minutes", "set"}},
          {"What comes out", {"output", "evaluate_again", "report_only"}},
          {"How", {"device", "threads"}}};
}

absl::Status Run(const CommandLine& line) {
  RETURN_IF_ERROR(UsageError(RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_report_only) && absl::GetFlag(FLAGS_evaluate_again)) {
    return UsageError(absl::InvalidArgumentError(
        "--report_only evaluates nothing, so --evaluate_again has no effect "
        "with it; leave out one of them"));
  }
  RETURN_IF_ERROR(CheckAddressSpace());
  // The flags of all runs; the threads are also for the pictures drawn here.
  RETURN_IF_ERROR(
      UsageError(SelectDevice(absl::GetFlag(FLAGS_device)).status()));
  RETURN_IF_ERROR(UsageError(SetThreads(absl::GetFlag(FLAGS_threads))));
  ASSIGN_OR_RETURN(const StudyPlan plan,
                   UsageError(PlanFromFlags(line.overrides)));
  RETURN_IF_ERROR(UsageError(CheckStudyFolder(plan)));
  CatchStopSignals();
  const absl::Status status = Ablate(plan);
  if (!absl::IsCancelled(status) || StopSignal() == 0) return status;
  return StoppedBySignal(
      StopSignal(),
      absl::StrCat("finished runs are kept, and the one under way is saved. To "
                   "go on:\n  ",
                   RepeatedCommand("//pipelines:ablate", line)));
}

}  // namespace
}  // namespace pipelines

int main(int argc, char** argv) {
  return pipelines::RunProgram(
      {"ablate", pipelines::kUsage, __FILE__, pipelines::FlagGroups()}, argc,
      argv, pipelines::Run);
}
