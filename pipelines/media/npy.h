// NumPy's .npy files: one array of numbers.
#ifndef PIPELINES_MEDIA_NPY_H_
#define PIPELINES_MEDIA_NPY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"

namespace pipelines::media {

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
// nothing stays. Movable.
class NpyWriter {
 public:
  // The errors of networks::files::AtomicFile::Create.
  static absl::StatusOr<NpyWriter> Create(
      const std::string& path,
      const networks::files::OutputOptions& options = {});

  // Appends a float32 row of `shape`, the same for all rows: the array is
  // [rows, shape...]. ResourceExhausted on a full disk.
  absl::Status Write(const float* row, const std::vector<int64_t>& shape);

  // FailedPrecondition without a row.
  absl::Status Finish();

 private:
  explicit NpyWriter(networks::files::AtomicFile file)
      : file_(std::move(file)) {}
  std::string Header() const;

  networks::files::AtomicFile file_;
  std::vector<int64_t> row_shape_;
  int64_t num_rows_ = 0;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_NPY_H_
