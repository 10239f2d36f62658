#include "pipelines/parallel/process_environment.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::parallel {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The number in a variable, in [min, max].
absl::Status ReadNumber(const char* name, int min, int max, int* number) {
  const std::string text = Variable(name);
  if (absl::SimpleAtoi(text, number) && min <= *number && *number <= max) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the variable ", name, " is '", text, "'; a data-parallel run needs a ",
      "number from ", min, " to ", max,
      " there (torchrun sets it; unset WORLD_SIZE for one process)"));
}

}  // namespace

absl::StatusOr<ProcessEnvironment> ReadProcessEnvironment() {
  constexpr int kMaxProcesses = 1 << 20;
  constexpr int kMaxPort = 65535;
  ProcessEnvironment result;
  if (Variable("WORLD_SIZE").empty()) return result;
  RETURN_IF_ERROR(ReadNumber("WORLD_SIZE", 1, kMaxProcesses, &result.size));
  if (!result.is_parallel()) return result;
  RETURN_IF_ERROR(ReadNumber("RANK", 0, result.size - 1, &result.rank));
  RETURN_IF_ERROR(ReadNumber("MASTER_PORT", 1, kMaxPort, &result.port));
  result.address = Variable("MASTER_ADDR");
  if (result.address.empty()) {
    return absl::InvalidArgumentError(
        "the variable MASTER_ADDR is not set; a data-parallel run needs the "
        "address of the machine of rank 0 there");
  }
  if (!Variable("LOCAL_RANK").empty()) {
    RETURN_IF_ERROR(
        ReadNumber("LOCAL_RANK", 0, result.size - 1, &result.local_rank));
  }
  if (!Variable("LOCAL_WORLD_SIZE").empty()) {
    RETURN_IF_ERROR(
        ReadNumber("LOCAL_WORLD_SIZE", 1, result.size, &result.local_size));
  }
  result.store_is_running = Variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  result.store_section =
      absl::StrCat("attempt_", Variable("TORCHELASTIC_RESTART_COUNT"));
  return result;
}

}  // namespace pipelines::parallel
