// A file mapped into memory: opened at once whatever its size, read as touched.
#ifndef NETWORKS_WEIGHTS_MAPPED_FILE_H_
#define NETWORKS_WEIGHTS_MAPPED_FILE_H_

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/weights/mapping_guard.h"

namespace networks::weights {

// The mapping is private: writing to the memory changes neither the file nor
// other mappings of it. A file that is replaced by rename (atomic_file.h) stays
// readable here. Of one that another program cuts short or writes anew while it
// is mapped, and where the disk has an error, there may be zeros or other bytes
// than before: whoever has read asks Check().
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

  // Whether all that was read so far is what the file held when it was opened.
  // Unavailable, naming the path, if another program has changed the file since
  // (also where nothing of that was read), or a byte could not be read.
  absl::Status Check() const;

  // Whether path() still names this file. Aborted, naming the path, if it was
  // replaced or removed since it was opened, as the checkpoints of a run that
  // goes on are: what is read or written by the name is of another file then.
  absl::Status CheckNotReplaced() const;

  // Tells the system that the bytes from `begin` to `end` are not needed for
  // now: they cost no memory until they are touched again, when they are read
  // anew. What was written to them is lost.
  void Release(size_t begin, size_t end);

 private:
  MappedFile(std::string path, int descriptor, const struct stat& info,
             char* data);

  std::string path_;
  int descriptor_;
  struct stat info_;  // as of when it was opened
  char* data_;        // null if the file is empty.
  size_t size_;
  std::optional<MappingGuard> guard_;  // if the file is not empty
};

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_MAPPED_FILE_H_
