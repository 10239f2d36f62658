// A lock among processes that no dead process can hold.
//
// The lock is flock(2) on a file that exists while somebody holds it. The
// kernel drops it with the process, so what a killed process leaves is an
// unlocked file. The next one takes it over, or, if another user left it,
// removes it for one of its own. After locking, the locked file is compared
// with the one that has the name: a holder removes the file at the end, and a
// user may at any time, and whoever locked the removed one has locked nothing.
//
// On file systems that have no locks every attempt succeeds, without a note of
// the holder before.
#ifndef NETWORKS_FILES_FILE_LOCK_H_
#define NETWORKS_FILES_FILE_LOCK_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::files {

struct LockOptions {
  // Errors begin with `subject`. The one while another process holds the lock
  // reads "<subject>: <process> <doing>", as "out.mp4: process 123 on host is
  // writing it".
  std::string subject;  // the lock's path if empty
  std::string doing = "holds this lock";

  // How long to wait for another holder.
  std::chrono::milliseconds wait{0};

  // Ends the waiting with Cancelled where it gives true.
  std::function<bool()> stop;
};

// Movable; one thread at a time. Two locks of one path exclude each other in
// one process, too.
class FileLock {
 public:
  // Takes the lock with the file `path`, which is made if it is not there.
  //
  // Unavailable, naming the process, while another one holds it;
  // FailedPrecondition where `path` is something else than a lock, which is
  // left alone; the system's error if the file cannot be made, or, unless there
  // is a left_note, written.
  static absl::StatusOr<FileLock> Take(const std::string& path,
                                       const LockOptions& options = {});

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  // Removes the file and drops the lock.
  ~FileLock();

  // Whether `path` still names the file that is locked. If not, somebody has
  // removed or replaced it, and another process may hold a lock as well.
  bool IsHeld() const;

  // Stores a line beside the holder's name, instead of an earlier one.
  absl::Status SetNote(absl::string_view note);

  // The note that the last holder, of the same user, left when it was killed;
  // otherwise empty.
  const std::string& left_note() const { return left_note_; }

 private:
  FileLock(std::string path, std::string subject, int descriptor,
           std::string left_note);
  void Release();

  std::string path_;
  std::string subject_;  // of errors
  int descriptor_ = -1;  // -1: moved from
  std::string left_note_;
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_FILE_LOCK_H_
