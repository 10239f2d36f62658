// What the keypoint sets of a model are on a source, as a picture for people.
#ifndef PIPELINES_ANIMATION_SHOW_SETS_H_
#define PIPELINES_ANIMATION_SHOW_SETS_H_

#include <string>

#include "absl/status/status.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"

namespace pipelines {

// Writes DrawSets (sets_picture.h) of the part of `source` that AnimateVideo
// would move, the first of several, to the image `output`. Of `options` only
// what is about the source, other_inputs, overwrite and hooks.stop count. The
// errors of AnimateVideo about source and output.
absl::Status WriteSetsPicture(Animator& animator, const std::string& source,
                              const std::string& output,
                              const AnimateVideoOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_SHOW_SETS_H_
