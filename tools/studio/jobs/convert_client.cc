#include "tools/studio/jobs/convert_client.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

constexpr absl::Duration kTimeout = absl::Hours(1);
constexpr int64_t kMemory = int64_t{4} << 30;  // bytes
constexpr int64_t kDescriptors = 256;
constexpr size_t kMaxError = size_t{1} << 16;

absl::Status ErrorOf(const std::string& output) {
  using Json = nlohmann::json;
  const Json json = Json::parse(output, nullptr, /*allow_exceptions=*/false);
  const auto text = [&json](const char* field) {
    return json.is_object() && json.contains(field) && json[field].is_string()
               ? json[field].get<std::string>()
               : std::string();
  };
  const std::string message =
      absl::StrCat("the result cannot be converted: ", text("message"));
  if (text("code") == "resource_exhausted") {
    return absl::ResourceExhaustedError(message);
  }
  return absl::InternalError(message);
}

}  // namespace

absl::Status ConvertResult(const std::string& from, const std::string& to,
                           const std::string& frames, int64_t max_bytes,
                           const std::function<bool()>& kill) {
  FileRules rules;
  rules.reads_everything = true;
  rules.writable = DeviceFiles();
  rules.writable.push_back(std::filesystem::path(to).parent_path().string());
  ASSIGN_OR_RETURN(const FileJail jail, FileJail::Create(rules));
  ConfinedRun run;
  run.command = {JobProgram("studio_converter"), from, to};
  if (!frames.empty()) run.command.push_back(frames);
  run.limits.writable_memory = kMemory;
  run.limits.file_size = std::max<int64_t>(0, max_bytes);
  run.limits.descriptors = kDescriptors;
  run.jail = &jail;
  run.max_output = kMaxError;
  run.timeout = kTimeout;
  run.kill = kill;
  ASSIGN_OR_RETURN(const ConfinedAnswer answer, RunConfined(run));
  if (answer.exit_code == 0) return absl::OkStatus();
  if (answer.exit_code == 1) return ErrorOf(answer.output);
  if (answer.was_killed) {
    return absl::UnavailableError(
        "the result cannot be converted: Studio is about to end");
  }
  if (answer.was_too_late) {
    return absl::InternalError(
        "the result cannot be converted: it took more than an hour");
  }
  return absl::InternalError(
      absl::StrCat("the result cannot be converted: the converter ended with ",
                   "exit code ", answer.exit_code));
}

}  // namespace studio
