// Safetensors files: named tensors and string metadata in one file that opens
// at once and cannot run code. This is the format of our own checkpoints.
//
//   ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open("weights.safetensors"));
//   ASSIGN_OR_RETURN(torch::Tensor weight, file.tensor("conv.weight"));
//
// The format itself is described in networks/weights/safetensors_header.h.
#ifndef NETWORKS_WEIGHTS_SAFETENSORS_H_
#define NETWORKS_WEIGHTS_SAFETENSORS_H_

#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/safetensors_header.h"
#include "networks/weights/tensor_map.h"

namespace networks::weights {

using StringMap = std::map<std::string, std::string>;

// An open file. Copies share the mapping; safe to use from many threads.
class SafetensorsFile {
 public:
  // Maps the file and validates its whole header. NotFound, PermissionDenied,
  // Unavailable (see Check), or InvalidArgument naming the path, the tensor and
  // what is wrong with it.
  static absl::StatusOr<SafetensorsFile> Open(const std::string& path);

  // In alphabetical order.
  std::vector<std::string> names() const;
  bool Contains(const std::string& name) const;
  const StringMap& metadata() const { return header_->metadata; }
  const std::string& path() const { return file_->path(); }

  // Whether what was read so far, also through tensors, is what the file held
  // when it was opened; see MappedFile.
  absl::Status Check() const { return file_->Check(); }
  std::shared_ptr<const MappedFile> mapped() const { return file_; }

  // Whether the file carries a checksum of itself, see Checksum.
  bool has_checksum() const { return has_checksum_; }

  // Reads the whole file. DataLoss, naming the path, if any bit of it is not
  // what was written; FailedPrecondition if it has no checksum.
  absl::Status VerifyChecksum() const;

  // The tensor on the CPU, with the file's shape and dtype.
  //
  // It is a view of the mapping, which it keeps alive: its bytes are read from
  // the disk when they are first used, so ask Check() afterwards. Writing into
  // it never changes the file, but all tensors of this name that come from this
  // object, or from copies of it, are the same memory. (A bool tensor, or one
  // that is not aligned to its element size in the file, is a copy.)
  //
  // NotFound if there is none of this name; Unimplemented if LibTorch has no
  // such dtype (U16, U32, U64, F8_E5M2, F8_E4M3).
  absl::StatusOr<torch::Tensor> tensor(const std::string& name) const;

  // All of them.
  absl::StatusOr<TensorMap> tensors() const;

 private:
  SafetensorsFile(std::shared_ptr<MappedFile> file, SafetensorsHeader header,
                  bool has_checksum)
      : file_(std::move(file)),
        header_(std::make_shared<const SafetensorsHeader>(std::move(header))),
        has_checksum_(has_checksum) {}

  std::shared_ptr<MappedFile> file_;
  std::shared_ptr<const SafetensorsHeader> header_;
  bool has_checksum_ = false;
};

// The format itself has no checksum. With kSha256 the file's last 32 bytes are
// the SHA-256 of all before them, and to other readers a tensor of 32 bytes
// named "__sha256__"; SafetensorsFile does not show it among the tensors.
enum class Checksum { kNone, kSha256 };

// Writes the tensors, of any device, strides and views, as a new file at
// `path`, atomically (atomic_file.h). Same tensors and metadata, same bytes.
// Needs no more memory than the tensors that are not contiguous on the CPU, one
// at a time.
//
// InvalidArgument names the tensor that is undefined or of a dtype that the
// format lacks (complex128, quantised), or a name that is not UTF-8. The errors
// of `source`'s Check(), if there is one: the file that tensors are views of.
absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const StringMap& metadata = {},
                              Checksum checksum = Checksum::kNone,
                              const MappedFile* source = nullptr);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_SAFETENSORS_H_
