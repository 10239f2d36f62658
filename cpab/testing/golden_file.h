// Reads golden data in tests that do without LibTorch.
//
// A .safetensors file is a little-endian u64 n, n bytes of JSON that name the
// tensors' dtype, shape and place, and then their values.
#ifndef CPAB_TESTING_GOLDEN_FILE_H_
#define CPAB_TESTING_GOLDEN_FILE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "Eigen/Core"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab::test_util {

struct GoldenTensor {
  std::vector<int64_t> shape;
  std::vector<double> values;  // Row-major. F64, F32, I64 and I32 convert.
};

struct GoldenFile {
  std::map<std::string, GoldenTensor> tensors;
  std::map<std::string, std::string> metadata;

  // Throws std::out_of_range if there is no such tensor.
  const GoldenTensor& operator[](const std::string& name) const {
    return tensors.at(name);
  }
};

// path: relative to the workspace's root, as tests see their data. DataLoss if
// the file is not whole, Unimplemented for other dtypes.
absl::StatusOr<GoldenFile> ReadGolden(const std::string& path);

// A row of libcpab's table of dimensions, cpab_dims.json.
struct GoldenDimension {
  std::vector<int> cells;  // along each axis
  bool zero_boundary;
  bool volume_preserving;
  double theta_size;  // 0: no velocity field but zero
};

// Those of tessellations with `num_axes` axes, without the ones that libcpab
// fails for. Empty if the table cannot be read.
std::vector<GoldenDimension> ReadGoldenDimensions(size_t num_axes);

// Expects `basis`, what Create of a kind of basis gave, to be as the row says.
template <typename StatusOrBasis>
void ExpectThetaSize(const StatusOrBasis& basis, const GoldenDimension& row) {
  if (row.theta_size == 0) {
    EXPECT_THAT(basis,
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::HasSubstr("no velocity field but zero")));
  } else {
    ASSERT_THAT(basis, IsOk());
    EXPECT_EQ((*basis)->theta_size(), row.theta_size);
  }
}

// [2, P], x row then y row, from a tensor [n, 2, P] or [2, P].
Eigen::Matrix2Xd GoldenPoints(const GoldenTensor& tensor, int64_t field);

}  // namespace cpab::test_util

#endif  // CPAB_TESTING_GOLDEN_FILE_H_
