// libFuzzer target of the readers of torch.save's files, zip and legacy, and of
// the pickle interpreter alone. Build and run:
//
//   tools/bazelw build --config=fuzz //networks/weights:pytorch_fuzz
//   bazel-bin/networks/weights/pytorch_fuzz FOLDER
//       networks/weights/testdata
//
// FOLDER receives the inputs found; the other one holds the seeds.
//
// Mutating a zip archive mostly breaks its checksums, so an input that is
// neither an archive nor a legacy file is also wrapped as the pickle of a valid
// archive with three storages.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "networks/weights/pytorch_format.h"
#include "networks/weights/value.h"
#include "networks/weights/zip_builder.h"
#include "networks/weights/zip_index.h"

namespace networks::weights {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Touches the first and the last element that each view can reach, as LibTorch
// would: AddressSanitizer sees it if they are not in the file.
void CheckView(absl::string_view file, const TensorView& view,
               const StorageRange& range) {
  Require(range.begin <= range.end && range.end <= file.size());
  int64_t first = view.offset;
  int64_t last = view.offset;
  for (size_t d = 0; d < view.shape.size(); ++d) {
    Require(view.shape[d] >= 0 && view.strides[d] >= 0);
    if (view.shape[d] == 0) return;
    last += (view.shape[d] - 1) * view.strides[d];
  }
  const int64_t element = ElementSize(view.type);
  const int64_t bytes = static_cast<int64_t>(range.end - range.begin);
  Require(first >= 0 && last >= first && (last + 1) * element <= bytes);
}

void Parse(absl::string_view file) {
  const auto contents = ParsePytorch(file, "fuzz");
  if (!contents.ok()) return;
  for (const auto& [name, view] : contents->tensors) {
    const auto range = contents->storages.find(view->storage);
    Require(range != contents->storages.end());
    CheckView(file, *view, range->second);
  }
  for (const auto& [key, range] : contents->storages) {
    if (!range.crc32.has_value()) continue;
    CheckZipEntry(file, {range.begin, range.end, *range.crc32}).IgnoreError();
  }
}

std::string WrapPickle(absl::string_view pickle) {
  return BuildZip({Item("m/data.pkl", std::string(pickle)),
                   Item("m/data/0", std::string(48, '\x01')),
                   Item("m/data/1", std::string(12, '\x01')),
                   Item("m/data/3", std::string(40, '\x01'))});
}

}  // namespace
}  // namespace networks::weights

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace networks::weights;  // NOLINT
  const absl::string_view file(reinterpret_cast<const char*>(data), size);
  Parse(file);
  if (!IsZipArchive(file)) Parse(WrapPickle(file));
  return 0;
}
