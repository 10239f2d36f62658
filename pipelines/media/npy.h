// NumPy's .npy files: one array of numbers.
#ifndef PIPELINES_MEDIA_NPY_H_
#define PIPELINES_MEDIA_NPY_H_

#include <cstdint>
#include <fstream>
#include <memory>
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
// `descr` is NumPy's name of their type, as "<f2". At least `min_size` bytes.
std::string NpyHeader(absl::string_view descr,
                      const std::vector<int64_t>& shape, size_t min_size = 0);

// Writes an array row by row, when the number of rows is not known before the
// last. What is written carries its name only after Finish(); destroyed before,
// nothing stays.
class NpyWriter {
 public:
  // Float32 rows of `row_shape`: the array is [rows, row_shape...]. The errors
  // of opening the file.
  static absl::StatusOr<std::unique_ptr<NpyWriter>> Create(
      const std::string& path, const std::vector<int64_t>& row_shape);
  ~NpyWriter();

  // `row` points to as many floats as a row has. ResourceExhausted on a full
  // disk.
  absl::Status Write(const float* row);
  absl::Status Finish();

 private:
  NpyWriter(std::string path, std::vector<int64_t> row_shape);
  std::string Header() const;

  const std::string path_;
  const std::vector<int64_t> row_shape_;
  int64_t row_bytes_ = sizeof(float);
  std::ofstream file_;
  int64_t num_rows_ = 0;
  bool finished_ = false;
};

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_NPY_H_
