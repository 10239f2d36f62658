// A file mapped into memory: opened at once whatever its size, read as touched.
#ifndef NETWORKS_WEIGHTS_MAPPED_FILE_H_
#define NETWORKS_WEIGHTS_MAPPED_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::weights {

// The mapping is private: writing to the memory changes neither the file nor
// other mappings of it. A file that is replaced by rename (atomic_file.h) stays
// readable here; one that another program cuts short while it is mapped ends
// this program by SIGBUS, as with every mapping.
class MappedFile {
 public:
  // Errors name the path and the reason: NotFound, PermissionDenied,
  // InvalidArgument (a folder, a device or a pipe), ResourceExhausted.
  static absl::StatusOr<std::shared_ptr<MappedFile>> Open(
      const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::string& path() const { return path_; }
  absl::string_view contents() const { return {data_, size_}; }
  char* data() { return data_; }

  // Tells the system that the bytes from `begin` to `end` are not needed for
  // now: they cost no memory until they are touched again, when they are read
  // anew. What was written to them is lost.
  void Release(size_t begin, size_t end);

 private:
  MappedFile(std::string path, char* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  char* data_;  // null if the file is empty.
  size_t size_;
};

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_MAPPED_FILE_H_
