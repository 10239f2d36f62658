// Distances between feature vectors, for the losses that let them be chosen.
#ifndef LOSSES_DISTANCE_H_
#define LOSSES_DISTANCE_H_

#include <torch/types.h>

namespace losses {

enum class Distance {
  kL1,      // mean |a - b|
  kL2,      // mean (a - b)^2
  kCosine,  // 1 - cosine of the angle between the vectors
};

// a, b: [.., C], vectors of C channels. The mean over all channels (for the
// cosine: vectors) as a scalar, differentiable in both. The L1 distance of
// equal values has the gradient 0, as has the cosine one of two zero vectors;
// beside a vector of length 1 a zero vector has one of 1e8, LibTorch's bound.
torch::Tensor MeanDistance(const torch::Tensor& a, const torch::Tensor& b,
                           Distance distance);

}  // namespace losses

#endif  // LOSSES_DISTANCE_H_
