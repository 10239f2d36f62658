#include "pipelines/animation/animate_items.h"

#include "networks/files/folder.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::StatusOr<std::vector<std::string>> List(const std::string& one,
                                              const std::string& many,
                                              const WorkHooks& hooks,
                                              bool takes_motion,
                                              const std::string& results) {
  if (many.empty()) return std::vector<std::string>{one};
  return ListInputs(many, hooks, takes_motion, results);
}

}  // namespace

bool AreMany(const AnimateInputs& inputs) {
  return !inputs.sources.empty() || !inputs.drivings.empty();
}

bool AreTheExample(const AnimateInputs& inputs) {
  return !AreMany(inputs) && inputs.source.empty() && inputs.driving.empty();
}

absl::StatusOr<std::vector<BatchItem>> AnimateItems(const AnimateInputs& inputs,
                                                    const WorkHooks& hooks) {
  if (AreMany(inputs)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> sources,
                     List(inputs.source, inputs.sources, hooks,
                          /*takes_motion=*/false, inputs.output));
    ASSIGN_OR_RETURN(const std::vector<std::string> drivings,
                     List(inputs.driving, inputs.drivings, hooks,
                          /*takes_motion=*/true, inputs.output));
    RETURN_IF_ERROR(networks::files::MakeFolder(inputs.output));
    return PairAll(sources, drivings, inputs.output, inputs.ending);
  }
  if (AreTheExample(inputs)) {
    return std::vector<BatchItem>{
        {ExampleSource(), ExampleDriving(), inputs.output}};
  }
  return std::vector<BatchItem>{{inputs.source, inputs.driving, inputs.output}};
}

}  // namespace pipelines
