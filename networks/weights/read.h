// The front door: weights of any format that we read, by content, not by name.
//
//   safetensors; PyTorch's zip format (.pth, .pth.tar, .pt); its legacy format
#ifndef NETWORKS_WEIGHTS_READ_H_
#define NETWORKS_WEIGHTS_READ_H_

#include <torch/nn/module.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "networks/weights/load.h"
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
};

// NotFound, PermissionDenied, or InvalidArgument naming path, tensor and
// reason; Unimplemented for a dtype that LibTorch lacks.
absl::StatusOr<Weights> ReadWeights(const std::string& path);

// ReadWeights, then LoadInto the module.
absl::StatusOr<LoadReport> LoadFile(torch::nn::Module& module,
                                    const std::string& path,
                                    const LoadOptions& options = {});

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_READ_H_
