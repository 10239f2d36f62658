// What an output is until it is whole: a file or a folder beside it, under a
// name that nobody else can have. AtomicFile and AtomicFolder are made of it.
#ifndef NETWORKS_FILES_TEMPORARY_H_
#define NETWORKS_FILES_TEMPORARY_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/file_lock.h"

namespace networks::files {

struct OutputOptions {
  // Whether a file that is there is replaced. Otherwise it is an error,
  // AlreadyExists, also if it appears while the new one is written.
  bool overwrite = true;

  // How long to wait for another process that writes the same output.
  std::chrono::milliseconds wait{0};

  // Ends the waiting with Cancelled where it gives true.
  std::function<bool()> stop;

  // Of a copy: the file whose owner, group and mode it gets where it replaces
  // nothing. Empty: the mode is that of the umask.
  std::string access_from;
};

// Names in the folder of "out.mp4" while it is written:
//
//   .out.mp4.cpab-lock          locked (file_lock.h); it names the temporary
//   .cpab-0123456789abcdef.tmp  random; made by O_EXCL or mkdir, so it is never
//                               a file, a folder or a link that was there
//
// Of a process that is killed both stay. The next Create of the same output
// finds the lock free and removes the temporary that it names; one of another
// user removes only the lock.
//
// Movable; one thread at a time.
class Temporary {
 public:
  enum class Kind { kFile, kFolder };

  // `target` may be new. As a file, it may be a regular file that `options`
  // lets replace; as a folder, an empty folder. Anything else is refused:
  //
  //   AlreadyExists       and may not be replaced
  //   InvalidArgument     a link, a device, a pipe, a socket, a folder for a
  //                       file, a file for a folder, or no name
  //   Unavailable         another process writes it; the message names it
  //
  // and the system's error if the temporary cannot be made. If it is to replace
  // something, or options.access_from names a file, it is private to us until
  // Publish gives it the owner, the group and the mode of that, as far as the
  // system allows it; otherwise it has the mode of the umask.
  static absl::StatusOr<Temporary> Create(const std::string& target, Kind kind,
                                          const OutputOptions& options);

  // The same with the file `from` itself as the temporary, under a second name,
  // so that `target` becomes one more name of it, with its mode. The system's
  // error where that cannot be: two file systems, or one without such names.
  static absl::StatusOr<Temporary> CreateLink(const std::string& from,
                                              const std::string& target,
                                              const OutputOptions& options);

  Temporary(Temporary&& other) noexcept;
  Temporary& operator=(Temporary&& other) noexcept;
  // Removes the temporary unless Publish succeeded.
  ~Temporary();

  // As given to Create, for messages.
  const std::string& target() const { return target_; }

  // Where it is now.
  const std::string& path() const { return path_; }

  // A file's, open for reading and writing; of a folder, for reading. Closed by
  // this object.
  int descriptor() const { return descriptor_; }

  // Syncs the file, or each file in the folder, gives it its name, and syncs
  // the folder that it is in. Call it once, last.
  absl::Status Publish();

 private:
  Temporary(std::string target, Kind kind, bool overwrite, FileLock lock);
  static absl::StatusOr<Temporary> Lock(const std::string& target, Kind kind,
                                        const OutputOptions& options);
  // Sets access_path_ and earlier_mode_.
  absl::Status FindAccess(const OutputOptions& options);
  // `make` makes what has the name path_ and gives an open descriptor of it.
  absl::Status Make(const std::function<int()>& make, absl::string_view action);
  absl::Status Rename();
  void Discard();

  std::string target_;
  Kind kind_ = Kind::kFile;
  bool overwrite_ = true;
  std::string access_path_;             // whose owner, group and mode it gets
  std::optional<mode_t> earlier_mode_;  // of that; empty: the umask's
  std::optional<FileLock> lock_;        // released last
  std::string path_;
  int descriptor_ = -1;  // -1: nothing to discard
};

// The lock of an output, which whoever writes it holds. For outputs that are
// written in another way than through this file, as downloads.
std::string LockPath(const std::string& target);

// Whether `target` is free to become an output, as Temporary::Create checks it:
// AlreadyExists, InvalidArgument, or the system's error if it cannot be looked
// up.
absl::Status CheckTarget(const std::string& target, Temporary::Kind kind,
                         bool overwrite);

// Whether `name` (without a folder) is one that a temporary has.
bool IsTemporaryName(const std::string& name);

// Removes what killed processes of this user have left in `folder`, not below
// it. What a living process has, stays. Errors are passed over: what stays
// takes space only.
void RemoveAbandoned(const std::string& folder);

}  // namespace networks::files

#endif  // NETWORKS_FILES_TEMPORARY_H_
