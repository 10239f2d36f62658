// Comparison of tensors in tests, with failures that say where.
#ifndef NETWORKS_TESTING_TENSOR_NEAR_H_
#define NETWORKS_TESTING_TENSOR_NEAR_H_

#include <torch/types.h>

#include "gmock/gmock.h"

// Not networks::testing: that would hide gmock's ::testing from all tests in
// namespace networks.
namespace networks::test_util {

// How far `actual` is from `expected`. OK if both have the same shape and
//
//   |actual - expected| <= absolute + relative * |expected|
//
// in every element; equal infinities are equal, a NaN never is. The failure
// names the shapes, or the worst index, both values there and the tolerance.
// Dtypes and devices may differ; compares in float64 on the CPU.
::testing::AssertionResult AllNear(const torch::Tensor& actual,
                                   const torch::Tensor& expected,
                                   double absolute, double relative = 0);

// Matcher of the same, with an absolute tolerance:
//
//   EXPECT_THAT(transform.Apply(theta, points), TensorNear(expected, 1e-6));
MATCHER_P2(TensorNear, expected, tolerance,
           "is within " + ::testing::PrintToString(tolerance) +
               " of a tensor of shape " +
               ::testing::PrintToString(expected.sizes().vec())) {
  const ::testing::AssertionResult result = AllNear(arg, expected, tolerance);
  *result_listener << result.message();
  return static_cast<bool>(result);
}

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_TENSOR_NEAR_H_
