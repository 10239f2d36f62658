// Photometric losses: the warped source should be the driving frame, pixel by
// pixel. Not in the paper, which compares features of painted frames.
//
// Where a figure has moved further than its own width, it does not overlap with
// its place in the driving frame, and fine pixels do not say in which direction
// that place is; coarse ones do. Pixels at all sizes teach the motion at a
// fraction of the cost of features.
#ifndef LOSSES_PHOTOMETRIC_H_
#define LOSSES_PHOTOMETRIC_H_

#include <torch/types.h>

namespace losses {

// Sum over a pyramid of the mean absolute difference. Each level averages 2 x 2
// pixels of the one before; the last is the first with a side of less than 16
// pixels.
//
// driving, warped: [B, C, H, W], floating point, of any device. c10::Error
// where their shapes differ. Returns a scalar; unweighted.
torch::Tensor PhotometricLoss(const torch::Tensor& driving,
                              const torch::Tensor& warped);

// The same of a mixture of motions, each pixel of which comes from candidate m
// with the probability that the contribution maps say: the expected difference,
// at each level. Where PhotometricLoss looks at the one place to which the
// blended motion points, this tells each candidate how well it alone does, and
// the maps which candidate does best, however far apart those point. Mixtures
// of motions as layers: [Layers].
//
// driving: [B, C, h, w]. warped: [B, M, C, h, w], the source by each candidate.
// contributions: [B, M, h, w], a distribution over M. Floating point, of any
// device. c10::Error where they do not fit. Returns a scalar; unweighted.
torch::Tensor MixturePhotometricLoss(const torch::Tensor& driving,
                                     const torch::Tensor& warped,
                                     const torch::Tensor& contributions);

}  // namespace losses

#endif  // LOSSES_PHOTOMETRIC_H_
