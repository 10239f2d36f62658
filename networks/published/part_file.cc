#include "networks/published/part_file.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "networks/files/atomic_file.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "networks/files/sync.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace networks::published {

namespace {

std::string FirstLine(const std::string& path) {
  const absl::StatusOr<std::string> text = files::ReadFile(path);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

}  // namespace

PartFile::PartFile(std::string path, std::string part_path,
                   files::FileLock lock, files::AppendFile file)
    : path_(std::move(path)),
      part_path_(std::move(part_path)),
      version_path_(part_path_ + ".version"),
      lock_(std::move(lock)),
      file_(std::move(file)) {}

PartFile::~PartFile() {
  if (file_.is_open() && size_ == 0) Remove();
}

absl::StatusOr<PartFile> PartFile::Open(const std::string& path,
                                        const std::string& suffix) {
  const std::string part_path = path + ".part" + suffix;
  files::LockOptions lock_options;
  lock_options.subject = part_path;
  lock_options.doing = "is downloading it";
  absl::StatusOr<files::FileLock> lock =
      files::FileLock::Take(files::LockPath(path), lock_options);
  // Of Unavailable one would think that another source may help.
  if (absl::IsUnavailable(lock.status())) {
    return absl::AbortedError(lock.status().message());
  }
  RETURN_IF_ERROR(lock.status());
  ASSIGN_OR_RETURN(
      files::AppendFile file,
      files::AppendFile::Open(part_path, files::AppendFile::Start::kContinue));
  PartFile part(path, part_path, *std::move(lock), std::move(file));
  ASSIGN_OR_RETURN(part.size_, part.file_.Size());
  if (part.size_ > 0) part.version_ = FirstLine(part.version_path_);
  return part;
}

absl::Status PartFile::StartOver(const std::string& version) {
  RETURN_IF_ERROR(file_.Truncate(0));
  size_ = 0;
  version_ = version;
  return files::WriteAtomically(version_path_, version + "\n");
}

absl::Status PartFile::Append(absl::string_view bytes) {
  RETURN_IF_ERROR(file_.Append(bytes));
  size_ += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status PartFile::Finish() {
  RETURN_IF_ERROR(file_.Sync());
  if (std::rename(part_path_.c_str(), path_.c_str()) != 0) {
    return files::SystemError(errno, path_, "rename what was downloaded to it");
  }
  std::remove(version_path_.c_str());
  return files::SyncFolder(files::FolderOf(path_));
}

void PartFile::Remove() {
  std::remove(part_path_.c_str());
  std::remove(version_path_.c_str());
}

}  // namespace networks::published
