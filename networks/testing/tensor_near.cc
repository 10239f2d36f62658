#include "networks/testing/tensor_near.h"

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <sstream>
#include <vector>

namespace networks::test_util {
namespace {

torch::Tensor Float64(const torch::Tensor& tensor) {
  return tensor.detach().cpu().to(torch::kFloat64).contiguous().flatten();
}

// Row-major flat index to one index a dimension.
std::vector<int64_t> Unravel(int64_t flat, torch::IntArrayRef shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return index;
}

}  // namespace

::testing::AssertionResult AllNear(const torch::Tensor& actual,
                                   const torch::Tensor& expected,
                                   double absolute, double relative) {
  if (!actual.defined() || !expected.defined()) {
    return ::testing::AssertionFailure() << "an undefined tensor";
  }
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure() << "the shape is " << actual.sizes()
                                         << ", expected " << expected.sizes();
  }
  if (actual.numel() == 0) return ::testing::AssertionSuccess();
  const torch::Tensor a = Float64(actual);
  const torch::Tensor e = Float64(expected);
  const torch::Tensor allowed = absolute + relative * e.abs();
  // How far beyond the tolerance; infinite where the difference is NaN.
  torch::Tensor excess = (a - e).abs() - allowed;
  excess = torch::where(a == e, torch::full_like(e, -1), excess);
  excess.nan_to_num_(INFINITY, INFINITY, -INFINITY);
  const int64_t failures = (excess > 0).sum().item<int64_t>();
  if (failures == 0) return ::testing::AssertionSuccess();
  const int64_t worst = excess.argmax().item<int64_t>();
  const double actual_value = a[worst].item<double>();
  const double expected_value = e[worst].item<double>();
  std::ostringstream message;
  message.precision(9);
  message << failures << " of " << actual.numel()
          << " elements differ; worst at "
          << torch::IntArrayRef(Unravel(worst, actual.sizes())) << " of shape "
          << actual.sizes() << ": " << actual_value << ", expected "
          << expected_value << ", difference "
          << std::abs(actual_value - expected_value) << ", tolerance "
          << allowed[worst].item<double>();
  return ::testing::AssertionFailure() << message.str();
}

}  // namespace networks::test_util
