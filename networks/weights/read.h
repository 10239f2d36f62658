// The front door: weights of any format that we read, by content, not by name.
//
//   safetensors; PyTorch's zip format (.pth, .pth.tar, .pt); its legacy format
#ifndef NETWORKS_WEIGHTS_READ_H_
#define NETWORKS_WEIGHTS_READ_H_

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "networks/weights/load.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/tensor_map.h"

namespace networks::weights {

struct Weights {
  std::string format;  // "safetensors", "PyTorch zip" or "PyTorch legacy".
  // By name; by path in what Python saved, "kp_detector.fg_encoder.fc.bias".
  // Views of the mapped file, where it has them aligned.
  TensorMap tensors;
  // Safetensors' metadata; what Python saved besides tensors, as text.
  std::map<std::string, std::string> metadata;
  // Of a safetensors file: it carries a checksum of itself (safetensors.h).
  // Nobody has verified it.
  bool has_checksum = false;

  // To be asked after the tensors' values have been used or copied: whether
  // they are what the file held; see MappedFile.
  absl::Status Check() const { return file->Check(); }
  std::shared_ptr<const MappedFile> file;
};

// NotFound, PermissionDenied, Unavailable (as of Weights::Check), or
// InvalidArgument naming path, tensor and reason; Unimplemented for a dtype
// that LibTorch lacks.
absl::StatusOr<Weights> ReadWeights(const std::string& path);

// ReadWeights, then LoadInto the module, and Weights::Check; after an error of
// that the module's values are of no use. With options.share_memory the module
// goes on reading the file, and nobody checks.
absl::StatusOr<LoadReport> LoadFile(torch::nn::Module& module,
                                    const std::string& path,
                                    const LoadOptions& options = {});

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_READ_H_
