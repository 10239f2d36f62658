// The motion model of a flag: another one for weights that exist.
#ifndef PIPELINES_CONFIG_MOTION_CHOICE_H_
#define PIPELINES_CONFIG_MOTION_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// What a flag may name: the members of MotionConfig, as "cpab".
std::vector<std::string> MotionNames();

// The end of a flag's help text: the names, and how options are written.
std::string MotionFlagHelp();

// The member that `motion` has set, or "cpab", the default.
std::string MotionName(const MotionConfig& motion);

// Whether all transforms of `model` are CPAB's by Gauss-Newton, which kernels
// fit. Other models copy constants from the host, and Adam works there.
bool IsFittedByKernels(const ModelConfig& model);

// "thin_plate", or with options as in a config: "cpab { cells_x: 6 }". Options
// that are left out have the schema's defaults. InvalidArgument, listing the
// names, for another name; naming the option for one that there is not or that
// is out of its range.
absl::StatusOr<MotionConfig> ParseMotion(absl::string_view text);

// The local transforms, and the global one if the model has it, are `motion`
// from now on. CPAB without options has the schema's own for either place: more
// cells for the global transform. Gradients do not go through: this is for
// inference.
void SetMotion(const MotionConfig& motion, ModelConfig* model);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_MOTION_CHOICE_H_
