#include "tools/studio/jobs/device_in_use.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "networks/files/folder.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// To load LibTorch and start a GPU.
constexpr absl::Duration kTimeout = absl::Minutes(2);
constexpr size_t kMaxAnswer = size_t{1} << 16;

std::string TextOf(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The order in which CUDA counts is not that of the folders, so that only what
// all are called is known of one.
std::string GpuName(const std::string& folder) {
  std::set<std::string> names;
  const auto gpus = networks::files::ListFolder(folder);
  if (!gpus.ok()) return "";
  for (const std::string& gpu : *gpus) {
    names.insert(
        ValueOf(TextOf(fs::path(folder) / gpu / "information"), "Model"));
  }
  return names.size() == 1 ? *names.begin() : "";
}

absl::StatusOr<std::string> AskWorker(const std::string& worker,
                                      const std::string& asked) {
  ConfinedRun run;
  run.command = {worker.empty() ? JobProgram("studio_worker") : worker,
                 "--describe_device", asked};
  // CUDA_VISIBLE_DEVICES and its like hold for jobs, too (worker_run.cc).
  run.keeps_variables = true;
  run.max_output = kMaxAnswer;
  run.timeout = kTimeout;
  ASSIGN_OR_RETURN(const ConfinedAnswer answer, RunConfined(run));
  const Json json =
      Json::parse(answer.output, nullptr, /*allow_exceptions=*/false);
  const auto text = [&json](const char* field) {
    return json.is_object() ? json.value(field, std::string()) : "";
  };
  if (!text("device").empty()) return text("device");
  if (!text("message").empty()) {
    return absl::InvalidArgumentError(text("message"));
  }
  return absl::InternalError("the worker does not say on which device it runs");
}

}  // namespace

std::string ValueOf(absl::string_view text, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) == name) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

absl::StatusOr<DeviceInUse> FindDevice(const std::string& asked,
                                       const DevicePlaces& places) {
  const auto exists = [](const std::string& path) {
    std::error_code error;
    return fs::exists(path, error);
  };
  const bool may_have_gpu =
      std::any_of(places.gpu_files.begin(), places.gpu_files.end(), exists);
  DeviceInUse found;
  if (asked == "cpu" || (asked == "auto" && !may_have_gpu)) {
    found.device = "cpu";
  } else {
    ASSIGN_OR_RETURN(found.device, AskWorker(places.worker, asked));
  }
  found.name = found.device == "cpu"
                   ? ValueOf(TextOf(places.processor), "model name")
                   : GpuName(places.nvidia_gpus);
  return found;
}

}  // namespace studio
