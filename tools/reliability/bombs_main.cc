// tools/bazelw run //tools/reliability:bombs: see kUsage.
#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/bombs.h"
#include "tools/reliability/scratch_folder.h"

namespace {

constexpr char kUsage[] =
    R"(Reads small files that claim to be huge, one after the other.

  tools/bazelw run //tools/reliability:bombs

Each must be refused within a second and 100 MB, by an error that names it.
Prints a line of a table each.

Exit codes: 0 all are, 1 not, 2 bad flag.)";

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  ASSIGN_OR_RETURN(const reliability::ScratchFolder scratch,
                   reliability::ScratchFolder::Make("", "bombs"));
  int wrong = 0, all = 0;
  for (const reliability::Bomb& bomb : reliability::Bombs()) {
    const reliability::BombResult result =
        reliability::TryBomb(bomb, scratch.path());
    std::printf("| %s | %.2f s | %.1f MB | %s |\n", result.name.c_str(),
                result.seconds, static_cast<double>(result.bytes) / 1e6,
                result.wrong.empty() ? "refused" : result.wrong.c_str());
    std::fflush(stdout);
    ++all;
    wrong += !result.wrong.empty();
  }
  if (wrong == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(wrong, " of ", all, " were not refused as they should be"));
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"bombs", kUsage, __FILE__}, argc, argv, Run);
}
