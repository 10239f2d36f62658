// Writes state dicts that Python's torch.load reads, also with
// weights_only=True.
#ifndef NETWORKS_WEIGHTS_PYTORCH_WRITER_H_
#define NETWORKS_WEIGHTS_PYTORCH_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/tensor_map.h"

namespace networks::weights {

// Writes an OrderedDict of the tensors, of any device, strides and views, in
// PyTorch's zip format, atomically (atomic_file.h). Each tensor gets a storage
// of its own, contiguous and aligned, so that it can be mapped.
//
// InvalidArgument names the tensor that is undefined, sparse or quantised, or
// whose name is not UTF-8. The errors of `source`'s Check(), if there is one:
// the file that tensors are views of.
absl::Status WritePytorch(const std::string& path, const TensorMap& tensors,
                          const MappedFile* source = nullptr);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_PYTORCH_WRITER_H_
