#include "networks/weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace networks::weights {
namespace {

// `path` is of this mode. A run keeps its weights in "checkpoints".
absl::Status NoFile(const std::string& path, mode_t mode) {
  if (!S_ISDIR(mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is not a regular file"));
  }
  const std::string checkpoints = absl::StrCat(path, "/checkpoints");
  const bool is_run = access(checkpoints.c_str(), F_OK) == 0;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": is a folder; name a file in ", is_run ? checkpoints : "it"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<MappedFile>> MappedFile::Open(
    const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for somebody to write to it.
  int descriptor;
  do {
    descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  }
  absl::Cleanup close_descriptor = [descriptor] { close(descriptor); };
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot look up"));
  }
  if (!S_ISREG(info.st_mode)) return NoFile(path, info.st_mode);
  const size_t size = static_cast<size_t>(info.st_size);
  char* data = nullptr;
  if (size > 0) {  // mmap refuses a length of 0.
    void* mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
    if (mapping == MAP_FAILED) {
      return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot map"));
    }
    data = static_cast<char*>(mapping);
  }
  std::move(close_descriptor).Cancel();
  return std::shared_ptr<MappedFile>(
      new MappedFile(path, descriptor, info, data));
}

MappedFile::MappedFile(std::string path, int descriptor,
                       const struct stat& info, char* data)
    : path_(std::move(path)),
      descriptor_(descriptor),
      info_(info),
      data_(data),
      size_(static_cast<size_t>(info.st_size)) {
  if (data_ != nullptr) guard_.emplace(data_, size_);
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (data_ != nullptr) munmap(data_, size_);
  close(descriptor_);
}

absl::Status MappedFile::Check() const {
  struct stat now;
  if (fstat(descriptor_, &now) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot look up"));
  }
  if (now.st_size != info_.st_size ||
      now.st_mtim.tv_sec != info_.st_mtim.tv_sec ||
      now.st_mtim.tv_nsec != info_.st_mtim.tv_nsec) {
    return absl::UnavailableError(absl::StrCat(
        path_, ": another program has changed it while it was read (",
        info_.st_size, " bytes before, ", now.st_size,
        " now); try again when that is done"));
  }
  if (guard_ && guard_->failed()) {
    return absl::UnavailableError(
        absl::StrCat(path_, ": cannot be read: the disk has an error"));
  }
  return absl::OkStatus();
}

absl::Status MappedFile::CheckNotReplaced() const {
  struct stat now;
  if (stat(path_.c_str(), &now) == 0 && now.st_dev == info_.st_dev &&
      now.st_ino == info_.st_ino) {
    return absl::OkStatus();
  }
  return absl::AbortedError(absl::StrCat(
      path_,
      ": was replaced or removed while it was used, as a run does that goes on "
      "training; use a copy of it"));
}

void MappedFile::Release(size_t begin, size_t end) {
  // Only whole pages: what shares a page with the range may be in use.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  // A failure costs memory and nothing else.
  if (begin < end) madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace networks::weights
