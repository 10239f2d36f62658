#include "pipelines/animation/animate_items.h"

#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::StatusOr<std::vector<std::string>> List(const std::string& one,
                                              const std::string& many) {
  if (many.empty()) return std::vector<std::string>{one};
  return ListInputs(many);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(folder, ": cannot make this folder: ", error.message()));
}

}  // namespace

bool AreMany(const AnimateInputs& inputs) {
  return !inputs.sources.empty() || !inputs.drivings.empty();
}

absl::StatusOr<std::vector<BatchItem>> AnimateItems(
    const AnimateInputs& inputs) {
  if (AreMany(inputs)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> sources,
                     List(inputs.source, inputs.sources));
    ASSIGN_OR_RETURN(const std::vector<std::string> drivings,
                     List(inputs.driving, inputs.drivings));
    RETURN_IF_ERROR(MakeFolder(inputs.output));
    return PairAll(sources, drivings, inputs.output, inputs.ending);
  }
  if (inputs.source.empty() && inputs.driving.empty()) {
    return std::vector<BatchItem>{
        {ExampleSource(), ExampleDriving(), inputs.output}};
  }
  return std::vector<BatchItem>{{inputs.source, inputs.driving, inputs.output}};
}

}  // namespace pipelines
