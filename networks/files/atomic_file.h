// Replaces files all at once: whoever opens the path sees the old contents or
// the new ones, whole, also after a crash, a full disk or a power cut.
//
// The new contents are written to a temporary beside the file (temporary.h),
// synced to the disk and renamed over it. On any error the temporary is removed
// and the old file stays as it was. A new file has the owner, group and mode of
// the one that it replaces, as far as the system allows it. No link is
// followed: neither the file nor its temporary can lead to another one.
#ifndef NETWORKS_FILES_ATOMIC_FILE_H_
#define NETWORKS_FILES_ATOMIC_FILE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/temporary.h"

namespace networks::files {

// A file in the making. Movable; one thread at a time.
class AtomicFile {
 public:
  // Starts a temporary beside `path`; the errors of Temporary::Create. Every
  // error names the path and the system's reason.
  static absl::StatusOr<AtomicFile> Create(const std::string& path,
                                           const OutputOptions& options = {});

  // Adds bytes at the end. ResourceExhausted on a full disk. After an error
  // only destruction makes sense.
  absl::Status Append(absl::string_view bytes);

  // Replaces bytes that were appended before, from `offset` on.
  absl::Status Overwrite(int64_t offset, absl::string_view bytes);

  // Syncs, renames to the path, and syncs the folder. Call it once, last.
  // Without it nothing appears.
  absl::Status Commit() { return temporary_.Publish(); }

  // As given to Create.
  const std::string& path() const { return temporary_.target(); }

  // Bytes appended so far.
  int64_t size() const { return size_; }

  // A path under which a library that opens files by name can write the
  // temporary, and nothing else, while this object lives.
  std::string WritablePath() const;

 private:
  explicit AtomicFile(Temporary temporary) : temporary_(std::move(temporary)) {}

  Temporary temporary_;
  int64_t size_ = 0;
};

// How long a writer with all contents in hand waits for another one.
inline constexpr std::chrono::seconds kWaitToWrite{30};

// Creates or replaces `path` with `contents`. Waits for another process that
// writes the same file. Errors as above.
absl::Status WriteAtomically(const std::string& path,
                             absl::string_view contents);

// Gives the file `from` the name `to`, too, in place of what has it; as a copy
// where the file system has no second names. A second name has the mode of its
// file; a copy, that of the file that it replaces, or else that of `from`,
// which its owner may write in any case. Waits up to `wait` for another process
// that writes `to`; then Unavailable. Other errors as above.
absl::Status LinkOrCopyAtomically(
    const std::string& from, const std::string& to,
    std::chrono::milliseconds wait = kWaitToWrite);

}  // namespace networks::files

#endif  // NETWORKS_FILES_ATOMIC_FILE_H_
