// Balance loss: every transform explains its share of what moves. Not in the
// paper.
//
// The transform that explains a pixel best gets its weight in the contribution
// maps, and one without pixels gets no gradient. So without this loss one or
// two transforms soon explain a whole figure, and the keypoint sets of the
// others never learn. Mixtures of experts have the same problem and the same
// remedy: [MoE] Sec. 4; the entropy of the mean share is that of [RIM].
//
// Everything here is computed for each sample and averaged over the batch, so
// it does not matter how a batch is split over processes.
#ifndef LOSSES_BALANCE_H_
#define LOSSES_BALANCE_H_

#include <torch/types.h>

namespace losses {

// How much of what differs between source and driving frame each transform
// explains: [B, M - 1], sum 1 (0 where the frames are equal). Column m is that
// of candidate m + 1: candidate 0, the background, explains what does not move.
//
// source, driving: [B, C, h, w]. contributions: [B, M, h, w], a distribution
// over M >= 2. Floating point, of any device. c10::Error where they do not fit.
torch::Tensor TransformShares(const torch::Tensor& source,
                              const torch::Tensor& driving,
                              const torch::Tensor& contributions);

// log P - H(shares), H the entropy: 0 where each of P transforms has an equal
// share, log P where one has all. `shares`: [B, P]. Returns a scalar;
// unweighted.
torch::Tensor BalanceLoss(const torch::Tensor& shares);

// exp(H(shares)), between 1 and P: how many transforms of equal share have the
// same entropy. `shares`: [B, P]. Returns a scalar without gradient.
torch::Tensor TransformsInUse(const torch::Tensor& shares);

}  // namespace losses

#endif  // LOSSES_BALANCE_H_
