// Balance: all parts take their share in explaining what moves. Not in the
// paper.
//
// Contribution maps and motions teach each other: the part that explains a
// pixel best gets it, and what gets no pixels gets no gradient, so that soon
// one part or two explain a whole figure and the others sleep for good.
// Mixtures of experts collapse alike, and are kept awake alike: Shazeer et al.
// 2017, "Outrageously large neural networks", Sec. 4; the entropy is that of
// Krause et al. 2010, "Discriminative clustering by regularized information
// maximization".
//
// Everything here is of one sample, averaged over the batch: it does not matter
// how a batch is cut over processes.
#ifndef LOSSES_BALANCE_H_
#define LOSSES_BALANCE_H_

#include <torch/types.h>

namespace losses {

// How much of what differs between source and driving frame each part explains:
// [B, M - 1], sum 1 (0 where the frames are equal). Part m is candidate m + 1:
// candidate 0, the background, explains what does not move.
//
// source, driving: [B, C, h, w]. contributions: [B, M, h, w], a distribution
// over M >= 2. Floating point, of any device. c10::Error where they do not fit.
torch::Tensor PartShares(const torch::Tensor& source,
                         const torch::Tensor& driving,
                         const torch::Tensor& contributions);

// log P - H(shares), H the entropy: 0 where each of P parts has its equal
// share, log P where one has all. `shares`: [B, P]. Returns a scalar;
// unweighted.
torch::Tensor BalanceLoss(const torch::Tensor& shares);

// exp(H(shares)), between 1 and P: so many parts of equal share would be as
// uneven. `shares`: [B, P]. Returns a scalar without gradient.
torch::Tensor PartsInUse(const torch::Tensor& shares);

}  // namespace losses

#endif  // LOSSES_BALANCE_H_
