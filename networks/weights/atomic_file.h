// Replaces files all at once: whoever opens the path sees the old contents or
// the new ones, whole, also after a crash, a full disk or a power cut.
//
// The new contents are written to a temporary beside the file, synced to the
// disk and renamed over it. On any error the temporary is removed and the old
// file stays as it was.
#ifndef NETWORKS_WEIGHTS_ATOMIC_FILE_H_
#define NETWORKS_WEIGHTS_ATOMIC_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::weights {

// A file in the making. Movable; one thread at a time.
class AtomicFile {
 public:
  // Starts a temporary beside `path`. If `path` is a symbolic link, the file it
  // leads to is the one replaced.
  //
  // Every error names the path and the system's reason; among them: NotFound
  // (no such folder), PermissionDenied, InvalidArgument (the path is a folder
  // or a device), ResourceExhausted (disk or quota full).
  static absl::StatusOr<AtomicFile> Create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  // Removes the temporary unless Commit succeeded.
  ~AtomicFile();

  // Adds bytes at the end. After an error only destruction makes sense.
  absl::Status Append(absl::string_view bytes);

  // Syncs, renames over the path, and syncs the folder. Call it once, last.
  absl::Status Commit();

  // Bytes appended so far.
  int64_t size() const { return size_; }

 private:
  AtomicFile(std::string path, std::string target, std::string temporary,
             int descriptor)
      : path_(std::move(path)),
        target_(std::move(target)),
        temporary_(std::move(temporary)),
        descriptor_(descriptor) {}
  void Discard();

  std::string path_;    // As given, for messages.
  std::string target_;  // Where it leads.
  std::string temporary_;
  int descriptor_ = -1;  // -1: nothing to discard.
  int64_t size_ = 0;
};

// Creates or replaces `path` with `contents`; errors as above.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view contents);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_ATOMIC_FILE_H_
