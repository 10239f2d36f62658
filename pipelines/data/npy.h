// NumPy's .npy files: one array of numbers.
#ifndef PIPELINES_DATA_NPY_H_
#define PIPELINES_DATA_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pipelines::data {

struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<double> values;  // row-major
};

// Reads version 1 to 3 files of little-endian floats (2, 4, 8 bytes), integers
// (1 to 8) or booleans, in C or Fortran order.
//
// NotFound if there is no such file; InvalidArgument, naming the file and what
// is wrong, for anything that is not such an array whole.
absl::StatusOr<NpyArray> ReadNpy(const std::string& path);

// The header of a file that goes on with the row-major values of an array:
// `descr` is NumPy's name of their type, as "<f2".
std::string NpyHeader(absl::string_view descr,
                      const std::vector<int64_t>& shape);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_NPY_H_
