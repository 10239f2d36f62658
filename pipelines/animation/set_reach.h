// Which part of a picture each keypoint set moves.
#ifndef PIPELINES_ANIMATION_SET_REACH_H_
#define PIPELINES_ANIMATION_SET_REACH_H_

#include <torch/types.h>

#include "pipelines/model/model.h"

namespace pipelines {

// How much of a small step of a keypoint set each pixel of `source` (one)
// makes, [K, h, w]: the set's keypoints are moved left, right, up and down by a
// twentieth of the picture's side, the others stay, and the length of what the
// dense motion makes of it is divided by that of the step. So it is 1 where the
// picture follows the set, 0 where it does not, and holds what the set does by
// way of the global transform, too. Contribution maps do not say it: without
// motion all candidates are the same.
//
// num_sets: K. In inference mode; takes four passes of the dense motion a set.
torch::Tensor ReachOfSets(AnimationModel& model, const PreparedSource& source,
                          int num_sets);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_SET_REACH_H_
