// Locality loss: the keypoints of a set lie near what the set moves. Not in the
// paper.
//
// Nothing else holds the keypoints of a set together. Where they spread over a
// whole figure, one of them is left for a forearm, and one moving point says
// where a limb went but not how it turned. The same loss keeps a set from
// explaining two limbs at once, whose motions no single transform has. After
// the concentration loss of [SCOPS], with distances to keypoints in place of
// distances to a region's centre.
#ifndef LOSSES_LOCALITY_H_
#define LOSSES_LOCALITY_H_

#include <torch/types.h>

#include <cstdint>

namespace losses {

// With C_k the contribution map of set k, x_ki its keypoints, and, for any maps
// W_k,
//
//   D(W, x) = sum_kp W_k(p) mean_i max(|p - x_ki| - radius, 0) / sum_kp C_k(p),
//
// the loss is D(C, x) + D(C^2 / sum_k C_k, x) of each sample, averaged over the
// batch. The first term's gradient reaches the contributions alone: a set
// explains what is near its keypoints. The second term's reaches the keypoints:
// they go to the pixels that their set explains better than others do; and the
// contributions by the denominator that both terms share. Were the keypoints
// drawn to all of C_k, they would meet in the middle of the figure in the first
// steps, when every set explains a little of everything.
//
// keypoints: [B, P, 2] of the driving frame, (x, y) in [-1, 1], set by set,
// P = sets * keypoints_per_set. contributions: [B, M, h, w], a distribution
// over M > sets candidates, of which candidates 1 to `sets` are those of the
// sets; the others (background, global transform) do not count. radius: in the
// units of the keypoints. Returns a scalar; unweighted. c10::Error where shapes
// do not fit.
torch::Tensor LocalityLoss(const torch::Tensor& keypoints,
                           const torch::Tensor& contributions,
                           int64_t keypoints_per_set, double radius);

}  // namespace losses

#endif  // LOSSES_LOCALITY_H_
