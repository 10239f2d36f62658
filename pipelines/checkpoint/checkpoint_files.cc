// Tested by checkpoint_store_test.cc.
#include "pipelines/checkpoint/checkpoint_files.h"

#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "step-";

// The step of a checkpoint with this name; nullopt where no step has it.
std::optional<int64_t> StepOf(const std::string& name) {
  absl::string_view number = name;
  int64_t step;
  if (!absl::ConsumePrefix(&number, kPrefix) ||
      !absl::ConsumeSuffix(&number, kCheckpointExtension) ||
      !absl::SimpleAtoi(number, &step) || step < 0 ||
      CheckpointName(step) != name) {
    return std::nullopt;
  }
  return step;
}

}  // namespace

std::string CheckpointName(int64_t step) {
  return absl::StrFormat("%s%09d%s", kPrefix, step, kCheckpointExtension);
}

absl::StatusOr<std::vector<std::string>> FindCheckpoints(
    const std::string& folder) {
  std::map<int64_t, std::string> by_step;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::optional<int64_t> step = StepOf(entry->path().filename());
    if (step) by_step[*step] = entry->path();
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return absl::ErrnoToStatus(
        error.value(), absl::StrCat(folder, ": cannot list this folder"));
  }
  std::vector<std::string> paths;
  for (auto newest = by_step.rbegin(); newest != by_step.rend(); ++newest) {
    paths.push_back(newest->second);
  }
  return paths;
}

std::vector<std::string> ListCheckpoints(const std::string& folder) {
  return FindCheckpoints(folder).value_or(std::vector<std::string>());
}

void RemoveOldCheckpoints(const std::string& folder, int keep) {
  const std::vector<std::string> paths = ListCheckpoints(folder);
  for (size_t i = keep; i < paths.size(); ++i) {
    std::error_code ignored;  // What stays does no harm.
    fs::remove(paths[i], ignored);
  }
}

}  // namespace pipelines
