// Files of torch.save, in the zip and the legacy format, without Python.
//
//   ASSIGN_OR_RETURN(auto file, PytorchFile::Open("vox.pth.tar"));
//   ASSIGN_OR_RETURN(torch::Tensor weight,
//                    file.tensor("kp_detector.fg_encoder.conv1.weight"));
//
// Nothing in such a file is run: its pickle is read by an interpreter that
// knows tensors and plain containers and refuses the rest
// (networks/weights/unpickle.h).
#ifndef NETWORKS_WEIGHTS_PYTORCH_H_
#define NETWORKS_WEIGHTS_PYTORCH_H_

#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/pytorch_format.h"
#include "networks/weights/tensor_map.h"
#include "networks/weights/value.h"

namespace networks::weights {

struct PytorchOptions {
  // Whether the zip format's checksums of tensors are verified when they are
  // first used, which reads them whole. torch.save can be told to write none.
  bool verify_checksums = true;
};

// An open file. Copies share the mapping; safe to use from many threads.
class PytorchFile {
 public:
  // Maps the file, reads its pickle and validates what that says of every
  // tensor. NotFound, PermissionDenied, or InvalidArgument naming the path, the
  // tensor and what is wrong with it.
  static absl::StatusOr<PytorchFile> Open(const std::string& path,
                                          const PytorchOptions& options = {});

  // The saved object.
  const Value& root() const;
  // Its scalars by path, "epoch" -> "7".
  const std::map<std::string, std::string>& scalars() const;
  // Its tensors by path, in alphabetical order.
  std::vector<std::string> names() const;
  // Whether what was read so far, also through tensors, is what the file held
  // when it was opened; see MappedFile.
  absl::Status Check() const;
  std::shared_ptr<const MappedFile> mapped() const;

  const std::string& path() const;

  // The tensor on the CPU, with the file's shape, strides and dtype, without
  // requires_grad. Tensors that shared a storage when they were saved share it
  // here. A view of the mapping, which it keeps alive, as in safetensors.h;
  // where the file has it unaligned, which in the legacy format is most of the
  // time, a copy.
  //
  // NotFound if there is none of this name; InvalidArgument if its checksum is
  // wrong.
  absl::StatusOr<torch::Tensor> tensor(const std::string& name) const;

  // All of them.
  absl::StatusOr<TensorMap> tensors() const;

 private:
  struct State;
  explicit PytorchFile(std::shared_ptr<State> state)
      : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_PYTORCH_H_
