// Keypoints and points for tests of motion models.
#ifndef PIPELINES_MODEL_KEYPOINTS_TEST_UTIL_H_
#define PIPELINES_MODEL_KEYPOINTS_TEST_UTIL_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>

#include "networks/sampling.h"

namespace pipelines {

// [N, 5, 2] float64 in [-0.8, 0.8].
inline torch::Tensor RandomKeypoints(int64_t problems, int seed) {
  torch::manual_seed(seed);
  return torch::rand({problems, 5, 2}, torch::kFloat64) * 1.6 - 0.8;
}

// A grid of 9 x 9 points over `size` times the image, [1, 81, 2].
inline torch::Tensor Plane(double size) {
  return size *
         networks::CoordinateGrid(9, 9, torch::kFloat64).view({1, -1, 2});
}

}  // namespace pipelines

#endif  // PIPELINES_MODEL_KEYPOINTS_TEST_UTIL_H_
