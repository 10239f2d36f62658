// The unfinished file of a download.
#ifndef NETWORKS_PUBLISHED_PART_FILE_H_
#define NETWORKS_PUBLISHED_PART_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "networks/files/append_file.h"
#include "networks/files/file_lock.h"

namespace networks::published {

// <path>.part<suffix>, locked against other processes while this object lives,
// and that with ".version", which tells of which version of the remote file it
// is. All suffixes of a path have one lock.
class PartFile {
 public:
  // Opens or makes it. Aborted, naming it, if another process has it; otherwise
  // the errors of networks::files::FileLock and AppendFile. All name the file.
  static absl::StatusOr<PartFile> Open(const std::string& path,
                                       const std::string& suffix = "");

  PartFile(PartFile&& other) = default;
  PartFile& operator=(PartFile&&) = delete;
  // Leaves what it holds to be continued, but no empty file.
  ~PartFile();

  int64_t size() const { return size_; }
  const std::string& part_path() const { return part_path_; }

  // The remote version (an HTTP entity tag or date) of the bytes so far; "" if
  // it is not known, so that they cannot be continued safely.
  const std::string& version() const { return version_; }

  // Throws away the bytes; what follows is of `version`.
  absl::Status StartOver(const std::string& version);

  absl::Status Append(absl::string_view bytes);

  // Syncs and renames to the path. Call it once, last.
  absl::Status Finish();

  // Removes it.
  void Remove();

 private:
  PartFile(std::string path, std::string part_path, files::FileLock lock,
           files::AppendFile file);

  std::string path_;
  std::string part_path_;
  std::string version_path_;
  std::string version_;
  files::FileLock lock_;
  files::AppendFile file_;
  int64_t size_ = 0;
};

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_PART_FILE_H_
