#include "pipelines/app/installed_commands.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace pipelines {
namespace {

constexpr absl::string_view kRun = "tools/bazelw run //";

// Of a target, without "//", as //tools/install names its program.
std::string InstalledName(absl::string_view target) {
  std::string name(target.substr(target.find_last_of("/:") + 1));
  std::replace(name.begin(), name.end(), '_', '-');
  return absl::StrCat("cpab-", name);
}

}  // namespace

bool IsInstalled(absl::string_view argv0) {
  return absl::StartsWith(argv0.substr(argv0.rfind('/') + 1), "cpab-");
}

std::string WithInstalledCommands(absl::string_view text) {
  std::string result;
  while (true) {
    const size_t run = text.find(kRun);
    absl::StrAppend(&result, text.substr(0, run));
    if (run == absl::string_view::npos) return result;
    text.remove_prefix(run + kRun.size());
    const size_t end = std::min(
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_/:"),
        text.size());
    absl::StrAppend(&result, InstalledName(text.substr(0, end)));
    text.remove_prefix(end);
    // Bazel's own flags end there; those of the program may begin with dashes.
    if (absl::StartsWith(text, " -- ")) absl::ConsumePrefix(&text, " --");
  }
}

std::string CommandsForUser(absl::string_view text) {
  return IsInstalled(program_invocation_name) ? WithInstalledCommands(text)
                                              : std::string(text);
}

}  // namespace pipelines
