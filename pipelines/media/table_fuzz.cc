// libFuzzer target of the readers of tables: CSV, and NumPy arrays. The first
// byte chooses. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/media:table_fuzz
//   bazel-bin/pipelines/media/table_fuzz FOLDER
//       pipelines/media/testdata/fuzz_table
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pipelines/media/csv.h"
#include "pipelines/media/npy.h"

namespace pipelines::media {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void ParseCsv(std::string_view text) {
  const auto rows = SplitCsv(text, "fuzz");
  if (!rows.ok()) return;
  int line = 0;
  for (const CsvRow& row : *rows) {
    Require(row.line > line);
    line = row.line;
  }
}

void Write(const std::vector<float>& values, const std::vector<int64_t>& shape,
           const std::string& path) {
  auto writer = NpyWriter::Create(path);
  Require(writer.ok());
  const std::vector<int64_t> row_shape(shape.begin() + 1, shape.end());
  const size_t row = values.size() / static_cast<size_t>(shape[0]);
  for (size_t i = 0; i < values.size(); i += row) {
    Require(writer->Write(values.data() + i, row_shape).ok());
  }
  Require(writer->Finish().ok());
}

// What was read can be written row by row, and is read again as it was.
void CheckRoundTrip(const NpyArray& array) {
  if (array.shape.empty() || array.values.empty()) return;
  static const std::string path =
      absl::StrCat("/dev/shm/table_fuzz.", getpid());
  const std::vector<float> values(array.values.begin(), array.values.end());
  Write(values, array.shape, path);
  const auto again = ReadNpy(path);
  unlink(path.c_str());
  Require(again.ok() && again->shape == array.shape);
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = again->values[i];
    Require(value == values[i] || (std::isnan(value) && std::isnan(values[i])));
  }
}

void ParseNpy(std::string_view bytes) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  Require(ftruncate(file, 0) == 0);
  Require(pwrite(file, bytes.data(), bytes.size(), 0) ==
          static_cast<ssize_t>(bytes.size()));
  const auto array = ReadNpy(absl::StrCat("/proc/self/fd/", file));
  if (!array.ok()) return;
  int64_t count = 1;
  for (const int64_t side : array->shape) count *= side;
  Require(count == static_cast<int64_t>(array->values.size()));
  CheckRoundTrip(*array);
}

}  // namespace
}  // namespace pipelines::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1,
                              size - 1);
  if (data[0] % 2 == 0) {
    pipelines::media::ParseCsv(rest);
  } else {
    pipelines::media::ParseNpy(rest);
  }
  return 0;
}
