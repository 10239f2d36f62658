// The flags of `animate`: from the command line to the library's options.
//
// The flags themselves are in animate_flags.cc; this file checks their values
// as far as no file has to be opened. Whether the files are there is for
// animate_items.h and the library to say.
#ifndef PIPELINES_ANIMATE_FLAGS_H_
#define PIPELINES_ANIMATE_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/animation/animate_items.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/app/command_line.h"

namespace pipelines {

// What a command line asks of `animate`.
struct AnimateRequest {
  // The user's path; empty for the checkpoint that comes with the program.
  std::string checkpoint;
  AnimatorOptions animator;
  AnimateVideoOptions video;  // without `progress`
  AnimateInputs inputs;
  // Of the keypoint sets, instead of an animation; empty: an animation.
  std::string show_sets;
  // Only video.save_motion is written, of inputs.driving: there is no source.
  bool records_motion = false;
  // Results of a driving video in one grid, too.
  bool comparison = false;
  // The first of many that fails ends the work.
  bool halt_on_error = false;
  bool overwrite = false;
  // As given; see pipelines/app/device_flags.h.
  std::string device;
  bool tf32 = true;
  int threads = 0;
  bool quiet = false;  // no progress, no summary
  bool json = false;   // a report in JSON instead of the summary
  // For the user: flags that have another name now.
  std::vector<std::string> notes;
};

// What the flags ask for now. InvalidArgument naming the flag, its value and
// what would be right: for a value out of range or unknown, for flags that
// exclude each other, and for a flag that has no effect without another one.
absl::StatusOr<AnimateRequest> AnimateRequestFromFlags();

// What --help says before the flags.
extern const char kAnimateUsage[];

// The file that defines the flags, as HelpText (app/command_line.h) takes it.
extern const char kAnimateFlagsFile[];

// They all, as they stand in that file.
std::vector<FlagGroup> AnimateFlagGroups();

}  // namespace pipelines

#endif  // PIPELINES_ANIMATE_FLAGS_H_
