// tools/bazelw run //tools/reliability:cpab_trials: see kUsage.
#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/cpab_report.h"
#include "tools/reliability/fit_trials.h"
#include "tools/reliability/flow_trials.h"

ABSL_FLAG(int64_t, points, 1000000, "Points to transform, 1,000 in a field.");
ABSL_FLAG(int64_t, fits, 10000, "Sets of keypoints to fit.");
ABSL_FLAG(uint64_t, first_seed, 1,
          "Seed of the first field and of the first set; the others follow.");

namespace {

constexpr char kUsage[] =
    R"(Tries the laws of CPAB transforms and the fit to keypoints on many draws.

  tools/bazelw run //tools/reliability:cpab_trials

Fields of all kinds, from gentle to violent: the inverse, compositions, the
determinant, and for gentle fields the path of small steps and the gradients.
Fits: the cost against that of the paper's Adam and that of the minimum.

Exit codes: 0 all as it should be, 1 not, 2 bad flag.)";

bool Print(const char* what, const reliability::CpabReport& report) {
  std::printf("| %s | %lld | %zu | %s |\n", what,
              static_cast<long long>(report.trials), report.failures.size(),
              report.measured.c_str());
  for (const std::string& failure : report.failures) {
    std::printf("%s\n", failure.c_str());
  }
  std::fflush(stdout);
  return report.failures.empty();
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  const int64_t points = absl::GetFlag(FLAGS_points);
  const int64_t fits = absl::GetFlag(FLAGS_fits);
  if (points < 1 || fits < 1) {
    return pipelines::BadFlag(points < 1 ? "points is " : "fits is ",
                              points < 1 ? points : fits, "; use 1 or more");
  }
  const uint64_t seed = absl::GetFlag(FLAGS_first_seed);
  bool all_passed = Print("points", reliability::TryFlows(points, seed));
  all_passed = Print("fits", reliability::TryFits(fits, seed)) && all_passed;
  if (all_passed) return absl::OkStatus();
  return absl::DataLossError("some trials ended otherwise; see above");
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"cpab_trials", kUsage, __FILE__}, argc, argv,
                               Run);
}
