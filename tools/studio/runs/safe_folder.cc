#include "tools/studio/runs/safe_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

using networks::files::SystemError;

constexpr size_t kMaxNamesRead = 20000;

// One part of a path, and not a way up.
bool IsName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == absl::string_view::npos &&
         name.find('\0') == absl::string_view::npos;
}

absl::Status CannotRead(int error, const std::string& path) {
  // O_NOFOLLOW gives ELOOP for a link.
  if (error == ELOOP) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": is a symbolic link, which is not followed"));
  }
  return SystemError(error, path, "read it");
}

FileIdentity IdentityOf(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_dev),
          static_cast<uint64_t>(info.st_ino)};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

absl::StatusOr<std::string> SafeFile::Read(int64_t offset,
                                           int64_t max_bytes) const {
  const int64_t left = std::max<int64_t>(size_ - offset, 0);
  std::string bytes(static_cast<size_t>(std::min(left, max_bytes)), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        pread(descriptor_.number(), &bytes[done], bytes.size() - done,
              static_cast<off_t>(offset + static_cast<int64_t>(done)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "file of a run", "read it");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

absl::StatusOr<SafeFolder> SafeFolder::Open(const std::string& path) {
  Descriptor descriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return CannotRead(errno, path);
  return SafeFolder(std::move(descriptor), path);
}

absl::StatusOr<Descriptor> SafeFolder::OpenName(absl::string_view name,
                                                int flags) const {
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is not the name of a file"));
  }
  const std::string text(name);
  Descriptor descriptor(openat(
      descriptor_.number(), text.c_str(),
      flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (descriptor.number() < 0) {
    return CannotRead(errno, absl::StrCat(path_, "/", name));
  }
  return descriptor;
}

absl::StatusOr<SafeFolder> SafeFolder::Enter(absl::string_view name) const {
  ASSIGN_OR_RETURN(Descriptor descriptor, OpenName(name, O_DIRECTORY));
  return SafeFolder(std::move(descriptor), absl::StrCat(path_, "/", name));
}

absl::StatusOr<SafeFile> SafeFolder::OpenFile(absl::string_view name) const {
  ASSIGN_OR_RETURN(Descriptor descriptor, OpenName(name, 0));
  struct stat info;
  if (fstat(descriptor.number(), &info) != 0) {
    return CannotRead(errno, absl::StrCat(path_, "/", name));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, "/", name, ": is no regular file"));
  }
  return SafeFile(std::move(descriptor), IdentityOf(info), info.st_size,
                  info.st_mtim.tv_sec);
}

absl::StatusOr<std::string> SafeFolder::ReadFile(absl::string_view name,
                                                 int64_t max_bytes) const {
  ASSIGN_OR_RETURN(const SafeFile file, OpenFile(name));
  if (file.size() > max_bytes) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, "/", name, ": has ", file.size(),
                     " bytes; at most ", max_bytes, " are read"));
  }
  return file.Read(0, max_bytes);
}

bool SafeFolder::HasFile(absl::string_view name) const {
  return OpenFile(name).ok();
}

bool SafeFolder::IsSameFile(absl::string_view name,
                            FileIdentity identity) const {
  struct stat info;
  return IsName(name) &&
         fstatat(descriptor_.number(), std::string(name).c_str(), &info,
                 AT_SYMLINK_NOFOLLOW) == 0 &&
         IdentityOf(info) == identity;
}

absl::StatusOr<std::vector<std::string>> SafeFolder::Names(
    int max_names) const {
  // A descriptor of its own, whose position nobody shares.
  const int descriptor =
      openat(descriptor_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return CannotRead(errno, path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(fdopendir(descriptor),
                                                 &closedir);
  if (list == nullptr) {
    close(descriptor);
    return CannotRead(errno, path_);
  }
  std::vector<std::string> names;
  while (names.size() < kMaxNamesRead) {
    errno = 0;  // readdir sets it only on an error
    // Thread-safe in glibc as long as no other thread has this list.
    const dirent* const entry = readdir(list.get());  // NOLINT
    if (entry == nullptr && errno != 0) return CannotRead(errno, path_);
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end(),
            [](const std::string& a, const std::string& b) {
              return strverscmp(a.c_str(), b.c_str()) < 0;
            });
  const size_t kept =
      std::min(names.size(), static_cast<size_t>(std::max(max_names, 0)));
  names.erase(names.begin(), names.end() - static_cast<ptrdiff_t>(kept));
  return names;
}

}  // namespace studio
