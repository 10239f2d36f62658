// Makes a folder with all its files at once: it has its name when it is whole,
// and not before, also after a crash, a full disk or a power cut.
//
// The files are written into a temporary folder beside it (temporary.h), synced
// and renamed with it. On any error the temporary is removed.
#ifndef NETWORKS_FILES_ATOMIC_FOLDER_H_
#define NETWORKS_FILES_ATOMIC_FOLDER_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/temporary.h"

namespace networks::files {

// A folder in the making. Movable. Its files may be written by many threads.
class AtomicFolder {
 public:
  // Starts a temporary beside `path`, which must not exist, or be an empty
  // folder; the errors of Temporary::Create. `options.overwrite` does not
  // count: a folder with something in it is never replaced.
  static absl::StatusOr<AtomicFolder> Create(const std::string& path,
                                             const OutputOptions& options = {});

  // Where it is until Commit. Folders in it are the caller's to make.
  const std::string& temporary_path() const { return temporary_.path(); }

  // Writes a file that is not there yet, as "train/000.png". Errors name it by
  // the path that it is to have. Safe to use from many threads.
  absl::Status Write(const std::string& name, absl::string_view contents) const;

  // Syncs all files, renames to the path, and syncs the folder that it is in.
  // Call it once, last. Without it nothing appears.
  absl::Status Commit() { return temporary_.Publish(); }

 private:
  explicit AtomicFolder(Temporary temporary)
      : temporary_(std::move(temporary)) {}

  Temporary temporary_;
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_ATOMIC_FOLDER_H_
