#include "networks/weights/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

// Linux writes at most 0x7ffff000 bytes a call.
constexpr size_t kMaxWrite = size_t{1} << 30;

absl::Status ErrnoStatus(const std::string& path, absl::string_view action) {
  return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot ", action));
}

// Where the bytes go: `path`, or what it leads to if it is a symbolic link.
absl::StatusOr<std::string> ResolveTarget(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return path;
    return ErrnoStatus(path, "look up the file to write");
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is a ", S_ISDIR(info.st_mode) ? "folder" : "device",
        ", not a file; nothing was written"));
  }
  std::unique_ptr<char, decltype(&std::free)> target(
      realpath(path.c_str(), nullptr), &std::free);
  if (target == nullptr) return ErrnoStatus(path, "resolve the path");
  return std::string(target.get());
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes the rename itself durable. Some file systems cannot sync a folder and
// say so by EINVAL; there is nothing more to do there.
absl::Status SyncFolder(const std::string& path) {
  const int folder =
      open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return ErrnoStatus(path, "open its folder");
  absl::Status status;
  if (fsync(folder) != 0 && errno != EINVAL) {
    status = ErrnoStatus(path, "sync its folder");
  }
  close(folder);
  return status;
}

}  // namespace

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  static std::atomic<int> counter{0};
  ASSIGN_OR_RETURN(std::string target, ResolveTarget(path));
  while (true) {
    // Not mkstemp: the file shall have the mode that the umask gives.
    std::string temporary =
        absl::StrCat(target, ".tmp.", getpid(), ".", counter++);
    const int descriptor =
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      return AtomicFile(path, std::move(target), std::move(temporary),
                        descriptor);
    }
    if (errno != EEXIST) return ErrnoStatus(path, "create the file");
  }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this == &other) return *this;
  Discard();
  path_ = std::move(other.path_);
  target_ = std::move(other.target_);
  temporary_ = std::move(other.temporary_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  size_ = other.size_;
  return *this;
}

AtomicFile::~AtomicFile() { Discard(); }

void AtomicFile::Discard() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
  descriptor_ = -1;
}

absl::Status AtomicFile::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        write(descriptor_, bytes.data(), std::min(bytes.size(), kMaxWrite));
    if (written < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(path_, "write");
    }
    bytes.remove_prefix(written);
    size_ += written;
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  if (fsync(descriptor_) != 0) return ErrnoStatus(path_, "sync");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) {
    return ErrnoStatus(path_, "rename the finished file into place");
  }
  close(std::exchange(descriptor_, -1));
  return SyncFolder(target_);
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view contents) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Append(contents));
  return file.Commit();
}

}  // namespace networks::weights
