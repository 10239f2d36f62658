// Files that grow while they are read by others: logs and downloads.
#ifndef NETWORKS_FILES_APPEND_FILE_H_
#define NETWORKS_FILES_APPEND_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::files {

// A file that is written at its end. Nothing is buffered here: what Append was
// given can be read by others, and stays if this process is killed. Movable;
// one thread at a time.
class AppendFile {
 public:
  enum class Start {
    kNew,       // AlreadyExists if there is such a file
    kContinue,  // what is there stays in front
  };

  // InvalidArgument if `path` is a link, a folder, a device or a pipe;
  // otherwise the system's error. Every message names the path.
  static absl::StatusOr<AppendFile> Open(const std::string& path, Start start);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // ResourceExhausted on a full disk; a part of the bytes may be in the file
  // then.
  absl::Status Append(absl::string_view bytes);

  // Cuts the file to its first `size` bytes.
  absl::Status Truncate(int64_t size);

  // Onto the disk.
  absl::Status Sync();

  // Of the file now.
  absl::StatusOr<int64_t> Size() const;

  // False once moved from.
  bool is_open() const { return descriptor_ >= 0; }

 private:
  AppendFile(std::string path, int descriptor);

  std::string path_;
  int descriptor_ = -1;  // -1: moved from
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_APPEND_FILE_H_
