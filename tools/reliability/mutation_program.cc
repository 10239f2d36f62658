#include "tools/reliability/mutation_program.h"

#include <cstdio>
#include <random>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/isolated.h"
#include "tools/reliability/mutate.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(int64_t, trials, 20000, "How many damaged files to read.");
ABSL_FLAG(int64_t, first_seed, 0,
          "Seed of the first; the others follow. A seed decides the file and "
          "its damage.");
ABSL_FLAG(
    std::string, folder, "",
    "Where a folder for files on the way is made, and removed at the end; "
    "empty: among temporary files.");
ABSL_FLAG(std::string, keep, "",
          "Folder for the files that fail, named by their seed; made if it is "
          "not there.");
ABSL_FLAG(double, seconds_each, 5, "A file that takes longer hangs.");
ABSL_FLAG(
    int64_t, megabytes, 1024,
    "A file that takes more memory fails. Of a picture several copies are "
    "made, and small files may unpack to 192 MB.");

namespace reliability {
namespace {

using pipelines::BadFlag;
using pipelines::UsageError;

struct Mutant {
  const Seed* seed;
  std::string bytes;
};

Mutant MutantOf(int64_t trial, const std::vector<Seed>& seeds) {
  std::mt19937_64 random(static_cast<uint64_t>(trial));
  const Seed& seed = seeds[random() % seeds.size()];
  return {&seed, Mutated(seed.bytes, random)};
}

void Report(const IsolatedReport& report, const std::vector<Seed>& seeds) {
  for (const Failure& failure : report.failures) {
    std::printf("seed %lld (%s): %s\n", static_cast<long long>(failure.trial),
                MutantOf(failure.trial, seeds).seed->kind.c_str(),
                failure.what.c_str());
  }
  std::printf(
      "%lld trials from seed %lld on, %zu kinds: %zu failures; slowest %.2f s, "
      "peak memory %lld MB\n",
      static_cast<long long>(absl::GetFlag(FLAGS_trials)),
      static_cast<long long>(absl::GetFlag(FLAGS_first_seed)), seeds.size(),
      report.failures.size(), report.slowest_seconds,
      static_cast<long long>(report.peak_bytes >> 20));
}

absl::Status Keep(const std::vector<Failure>& failures,
                  const std::vector<Seed>& seeds, const std::string& folder) {
  if (folder.empty()) return absl::OkStatus();
  for (const Failure& failure : failures) {
    RETURN_IF_ERROR(networks::files::WriteAtomically(
        absl::StrCat(folder, "/", failure.trial),
        MutantOf(failure.trial, seeds).bytes));
  }
  return absl::OkStatus();
}

absl::Status Run(const MutationProgram& program,
                 const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_trials) < 1) {
    return BadFlag("trials is ", absl::GetFlag(FLAGS_trials),
                   "; use 1 or more");
  }
  const double seconds_each = absl::GetFlag(FLAGS_seconds_each);
  if (!(seconds_each > 0 && seconds_each <= 1e6)) {
    return BadFlag("seconds_each is ", seconds_each,
                   "; use more than 0, up to 1000000");
  }
  const int64_t megabytes = absl::GetFlag(FLAGS_megabytes);
  if (megabytes < 1 || megabytes > 1000000) {
    return BadFlag("megabytes is ", megabytes, "; use 1 to 1000000");
  }
  ASSIGN_OR_RETURN(
      const ScratchFolder scratch,
      ScratchFolder::Make(pipelines::UserPath(absl::GetFlag(FLAGS_folder)),
                          program.name));
  const std::string& folder = scratch.path();
  const std::string keep = pipelines::UserPath(absl::GetFlag(FLAGS_keep));
  if (!keep.empty()) RETURN_IF_ERROR(networks::files::MakeFolder(keep));
  const std::vector<Seed> seeds = program.make_seeds(folder);
  IsolatedOptions options;
  options.first = absl::GetFlag(FLAGS_first_seed);
  options.count = absl::GetFlag(FLAGS_trials);
  options.seconds_each = seconds_each;
  options.most_bytes = megabytes << 20;
  const auto trial = [&](int64_t number) {
    Mutant mutant = MutantOf(number, seeds);
    return program.read(*mutant.seed, std::move(mutant.bytes), number, folder);
  };
  const IsolatedReport report = RunIsolated(options, trial);
  Report(report, seeds);
  RETURN_IF_ERROR(Keep(report.failures, seeds, keep));
  return report.failures.empty()
             ? absl::OkStatus()
             : absl::DataLossError("some files failed; see above");
}

}  // namespace

std::string WhatIsWrongWith(const absl::Status& status) {
  if (status.ok() || absl::StrContains(status.message(), kMutatedName)) {
    return "";
  }
  return absl::StrCat("a message without the name: ",
                      std::string(status.message()));
}

int RunMutationProgram(const MutationProgram& program, int argc, char** argv) {
  return pipelines::RunProgram(
      {program.name, program.usage, __FILE__}, argc, argv,
      [&](const pipelines::CommandLine& line) { return Run(program, line); });
}

}  // namespace reliability
