// What is animated by what, and where the results go.
#ifndef PIPELINES_ANIMATION_ANIMATE_ITEMS_H_
#define PIPELINES_ANIMATION_ANIMATE_ITEMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/animation/animate_batch.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines {

// Paths and devices, as a user names them.
struct AnimateInputs {
  // One of the two: a file, a folder of frames or a device; or a list, as
  // ListInputs takes it.
  std::string source;
  std::string sources;
  // The same.
  std::string driving;
  std::string drivings;
  // Of one source and one driving video, the output. Else the folder of the
  // outputs, each of which has the ending `ending`.
  std::string output;
  std::string ending;
};

// Whether `output` is a folder of many.
bool AreMany(const AnimateInputs& inputs);

// Whether they name neither a source nor a driving video: the example that
// comes with the program.
bool AreTheExample(const AnimateInputs& inputs);

// The animations that `inputs` ask for: of the example that comes with the
// program where they name neither a source nor a driving video. Makes the
// folder of many. `hooks` are ListInputs'. The errors of ListInputs and
// networks::files::MakeFolder.
absl::StatusOr<std::vector<BatchItem>> AnimateItems(
    const AnimateInputs& inputs, const WorkHooks& hooks = {});

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATE_ITEMS_H_
