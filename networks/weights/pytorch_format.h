// What a file of torch.save holds, and where. Without LibTorch;
// networks/weights/pytorch.h makes tensors of it.
//
// Since PyTorch 1.6 (2020) such a file is a zip archive:
//   NAME/data.pkl   a pickle of the saved object, which refers to storages
//   NAME/data/KEY   the bytes of the storage KEY, stored as they are
// Before that, and still on request, it is a row of pickles (a magic number,
// the version, the machine's byte order, the object, the list of keys) and
// then, for each key, the number of elements (8 bytes) and the bytes.
#ifndef NETWORKS_WEIGHTS_PYTORCH_FORMAT_H_
#define NETWORKS_WEIGHTS_PYTORCH_FORMAT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "networks/weights/value.h"

namespace networks::weights {

struct StorageRange {
  uint64_t begin = 0;  // Bytes of the file.
  uint64_t end = 0;
  absl::optional<uint32_t> crc32;  // As the file claims it; legacy has none.
};

struct PytorchContents {
  Value root;

  // All tensors in `root`, by their path: dict keys and sequence indices joined
  // by dots, "optimizer.state.0.exp_avg". Checked: shape and strides stay
  // within the storage, and the storage is one of `storages`.
  std::map<std::string, std::shared_ptr<const TensorView>> tensors;

  // All scalars in `root`, likewise, as ScalarText has them: "epoch" -> "7".
  std::map<std::string, std::string> scalars;

  // Of those tensors, by key; each has as many bytes as its tensors say.
  std::map<std::string, StorageRange> storages;
};

// By the first bytes alone.
bool IsZipArchive(absl::string_view file);
bool IsLegacyPytorch(absl::string_view file);

// Reads and validates a file of either form.
//
// file:  the contents of the whole file.
// path:  for messages only.
//
// InvalidArgument names path, tensor where there is one, and reason; see also
// networks/weights/unpickle.h and networks/weights/zip_index.h. Memory is
// proportional to the length of the pickle, whatever the file claims.
absl::StatusOr<PytorchContents> ParsePytorch(absl::string_view file,
                                             absl::string_view path);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_PYTORCH_FORMAT_H_
