#include "networks/published/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "third_party/absl/status_macros.h"

namespace networks::published {

namespace {

absl::Status SystemError(const std::string& path) {
  // ErrnoToStatus has EFBIG (a limit on the file's size) as OutOfRange.
  if (errno == EFBIG) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": larger than the system allows"));
  }
  return absl::ErrnoToStatus(errno, path);
}

std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// So that the renaming itself survives a power cut.
void SyncFolder(const std::string& path) {
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  const int descriptor =
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

PartFile::PartFile(std::string path, int descriptor)
    : path_(std::move(path)),
      part_path_(path_ + ".part"),
      version_path_(part_path_ + ".version"),
      descriptor_(descriptor) {}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_path_(std::move(other.part_path_)),
      version_path_(std::move(other.version_path_)),
      version_(std::move(other.version_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) Remove();
  close(descriptor_);
}

absl::StatusOr<PartFile> PartFile::Open(const std::string& path) {
  const std::string part_path = path + ".part";
  const int descriptor =
      open(part_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return SystemError(part_path);
  PartFile part(path, descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(part_path, ": another process is downloading it"));
  }
  struct stat status;
  if (fstat(descriptor, &status) != 0) return SystemError(part_path);
  part.size_ = status.st_size;
  if (part.size_ > 0) part.version_ = ReadLine(part.version_path_);
  return part;
}

absl::Status PartFile::StartOver(const std::string& version) {
  if (size_ > 0 && ftruncate(descriptor_, 0) != 0) {
    return SystemError(part_path_);
  }
  size_ = 0;
  version_ = version;
  return files::WriteAtomically(version_path_, version + "\n");
}

absl::Status PartFile::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(part_path_);
    size_ += written;
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status PartFile::Finish() {
  if (fsync(descriptor_) != 0) return SystemError(part_path_);
  if (std::rename(part_path_.c_str(), path_.c_str()) != 0) {
    return SystemError(path_);
  }
  std::remove(version_path_.c_str());
  SyncFolder(path_);
  return absl::OkStatus();
}

void PartFile::Remove() {
  std::remove(part_path_.c_str());
  std::remove(version_path_.c_str());
}

}  // namespace networks::published
