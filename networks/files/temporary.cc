#include "networks/files/temporary.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/path_parts.h"
#include "networks/files/set_aside.h"
#include "networks/files/sync.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = ".cpab-";
constexpr char kSuffix[] = ".tmp";
constexpr char kLockSuffix[] = ".cpab-lock";
constexpr size_t kRandomBytes = 8;

absl::StatusOr<std::string> RandomName() {
  std::string bytes(kRandomBytes, '\0');
  if (getrandom(&bytes[0], bytes.size(), 0) !=
      static_cast<ssize_t>(bytes.size())) {
    return SystemError(errno, "getrandom", "draw a name");
  }
  return absl::StrCat(kPrefix, absl::BytesToHexString(bytes), kSuffix);
}

bool IsRandomName(absl::string_view name) {
  if (!absl::StartsWith(name, kPrefix) || !absl::EndsWith(name, kSuffix)) {
    return false;
  }
  name.remove_prefix(sizeof(kPrefix) - 1);
  name.remove_suffix(sizeof(kSuffix) - 1);
  return name.size() == 2 * kRandomBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

bool IsLockName(absl::string_view name) {
  return absl::StartsWith(name, ".") && absl::EndsWith(name, kLockSuffix);
}

std::string InFolderOf(const std::string& target, absl::string_view name) {
  return absl::StrCat(FolderOf(target), "/", name);
}

const char* KindName(mode_t mode) {
  if (S_ISREG(mode)) return "a file";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat first, second;
  return lstat(a.c_str(), &first) == 0 && lstat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Opens what was just made at `path`, or takes it away again: a Temporary
// without a descriptor has nothing to discard.
int OpenOrRemove(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  const int error = errno;
  remove(path.c_str());
  errno = error;
  return -1;
}

// Gives an open file the access control list of another one, or takes away the
// one that it has from its folder if the other one has none.
bool CopyAccessList(const std::string& from, int to) {
  constexpr char kList[] = "system.posix_acl_access";
  char list[4096];
  const ssize_t size = getxattr(from.c_str(), kList, list, sizeof(list));
  if (size >= 0) {
    return fsetxattr(to, kList, list, static_cast<size_t>(size), 0) == 0;
  }
  // Of two file systems one may have no lists.
  if (errno != ENODATA && errno != ENOTSUP) return false;
  return fremovexattr(to, kList) == 0 || errno == ENODATA || errno == ENOTSUP;
}

// Lets the new file or folder `descriptor` be used by whom the one at `path`
// lets, as far as the system allows it: only the superuser gives files away,
// and others have the groups that they are in. Where the group or the list
// cannot be kept, the group may do no more than all. Not every file system has
// modes. Of what has gone meanwhile only `earlier_mode` is known.
void KeepAccess(int descriptor, const std::string& path, mode_t earlier_mode) {
  struct stat old;
  const bool is_there = stat(path.c_str(), &old) == 0;
  const mode_t kept = is_there ? old.st_mode : earlier_mode;
  // Its owner can write it.
  const mode_t mode =
      S_ISDIR(kept) ? (kept & 07777) | 0700 : (kept & 0777) | 0600;
  const mode_t without_group = mode & (07707 | (mode & 07) << 3);
  if (!is_there) {
    fchmod(descriptor, without_group);
    return;
  }
  const bool has_group = fchown(descriptor, old.st_uid, old.st_gid) == 0 ||
                         fchown(descriptor, -1, old.st_gid) == 0;
  const bool has_list = CopyAccessList(path, descriptor);
  fchmod(descriptor, has_group && has_list ? mode : without_group);
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;  // What stays takes space only.
  fs::remove_all(path, ignored);
}

}  // namespace

// Names have at most 255 bytes. Two very long ones that begin alike share a
// lock.
std::string LockPath(const std::string& target) {
  constexpr size_t kMaxName = 240;
  return InFolderOf(
      target,
      absl::StrCat(".", BaseName(target).substr(0, kMaxName), kLockSuffix));
}

absl::Status CheckTarget(const std::string& target, Temporary::Kind kind,
                         bool overwrite) {
  const bool is_file = kind == Temporary::Kind::kFile;
  const std::string name = BaseName(target);
  if (name.empty() || name == "." || name == ".." || name == "/" ||
      (is_file && target.back() == '/')) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", target, "' is no name for ", is_file ? "a file" : "a folder"));
  }
  struct stat info;
  if (lstat(WithoutTrailingSlashes(target).c_str(), &info) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return SystemError(errno, target, "look up the output");
  }
  if (is_file ? !S_ISREG(info.st_mode) : !S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(target, ": is ", KindName(info.st_mode), ", not ",
                     is_file ? "a file" : "a folder",
                     S_ISLNK(info.st_mode) ? "; name what it leads to" : ""));
  }
  if (is_file && overwrite) return absl::OkStatus();
  std::error_code error;
  if (!is_file && fs::is_empty(target, error)) return absl::OkStatus();
  if (error) return SystemError(error, target, "list this folder");
  return absl::AlreadyExistsError(
      absl::StrCat(target, is_file ? " exists" : " exists and is not empty"));
}

Temporary::Temporary(std::string target, Kind kind, bool overwrite,
                     FileLock lock)
    : target_(std::move(target)),
      kind_(kind),
      overwrite_(overwrite),
      lock_(std::move(lock)) {}

Temporary::Temporary(Temporary&& other) noexcept
    : target_(std::move(other.target_)),
      kind_(other.kind_),
      overwrite_(other.overwrite_),
      access_path_(std::move(other.access_path_)),
      earlier_mode_(other.earlier_mode_),
      lock_(std::move(other.lock_)),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {
  other.lock_.reset();
}

Temporary& Temporary::operator=(Temporary&& other) noexcept {
  if (this == &other) return *this;
  Discard();
  target_ = std::move(other.target_);
  kind_ = other.kind_;
  overwrite_ = other.overwrite_;
  access_path_ = std::move(other.access_path_);
  earlier_mode_ = other.earlier_mode_;
  lock_ = std::move(other.lock_);
  other.lock_.reset();
  path_ = std::move(other.path_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

Temporary::~Temporary() { Discard(); }

void Temporary::Discard() {
  if (descriptor_ >= 0) {
    close(std::exchange(descriptor_, -1));
    RemoveTree(path_);
  }
  lock_.reset();
}

absl::StatusOr<Temporary> Temporary::Lock(const std::string& target, Kind kind,
                                          const OutputOptions& options) {
  RETURN_IF_ERROR(CheckTarget(target, kind, options.overwrite));
  LockOptions lock_options;
  lock_options.subject = target;
  lock_options.doing = "is writing it; wait for it, or name another output";
  lock_options.wait = options.wait;
  lock_options.stop = options.stop;
  ASSIGN_OR_RETURN(FileLock lock,
                   FileLock::Take(LockPath(target), lock_options));
  // What a holder that was killed had in the making.
  if (IsRandomName(lock.left_note())) {
    RemoveTree(InFolderOf(target, lock.left_note()));
  }
  return Temporary(target, kind, options.overwrite, std::move(lock));
}

// The name is in the lock before it is on the disk, so that nothing is left
// that no lock names.
absl::Status Temporary::Make(const std::function<int()>& make,
                             absl::string_view action) {
  do {
    ASSIGN_OR_RETURN(const std::string name, RandomName());
    RETURN_IF_ERROR(lock_->SetNote(name));
    path_ = InFolderOf(target_, name);
    descriptor_ = make();
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ >= 0) return absl::OkStatus();
  return SystemError(errno, target_, action);
}

absl::Status Temporary::FindAccess(const OutputOptions& options) {
  struct stat old;
  access_path_ = WithoutTrailingSlashes(target_);
  if (lstat(access_path_.c_str(), &old) != 0) {
    if (options.access_from.empty()) return absl::OkStatus();
    access_path_ = options.access_from;
    if (stat(access_path_.c_str(), &old) != 0) {
      return SystemError(errno, access_path_, "look up this file");
    }
  }
  earlier_mode_ = old.st_mode;
  return absl::OkStatus();
}

absl::StatusOr<Temporary> Temporary::Create(const std::string& target,
                                            Kind kind,
                                            const OutputOptions& options) {
  ASSIGN_OR_RETURN(Temporary temporary, Lock(target, kind, options));
  RETURN_IF_ERROR(temporary.FindAccess(options));
  const std::string& path = temporary.path_;
  // Ours alone, until Publish gives it to whom the old one was.
  const bool is_private = temporary.earlier_mode_.has_value();
  if (kind == Kind::kFile) {
    const auto make_file = [&path, is_private] {
      return open(path.c_str(),
                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  is_private ? 0600 : 0666);
    };
    RETURN_IF_ERROR(temporary.Make(make_file, "create the file"));
  } else {
    const auto make_folder = [&path, is_private] {
      if (mkdir(path.c_str(), is_private ? 0700 : 0777) != 0) return -1;
      return OpenOrRemove(path, O_RDONLY | O_DIRECTORY);
    };
    RETURN_IF_ERROR(temporary.Make(make_folder, "make this folder"));
  }
  return temporary;
}

absl::StatusOr<Temporary> Temporary::CreateLink(const std::string& from,
                                                const std::string& target,
                                                const OutputOptions& options) {
  ASSIGN_OR_RETURN(Temporary temporary, Lock(target, Kind::kFile, options));
  const std::string& path = temporary.path_;
  const auto make_link = [&from, &path] {
    if (link(from.c_str(), path.c_str()) != 0) return -1;
    return OpenOrRemove(path, O_RDONLY);
  };
  RETURN_IF_ERROR(
      temporary.Make(make_link, absl::StrCat("give this name to ", from)));
  return temporary;
}

// rename() of two names of one file does nothing and reports success.
absl::Status Temporary::Rename() {
  const std::string target = WithoutTrailingSlashes(target_);
  if (IsSameFile(path_, target)) {
    unlink(path_.c_str());
    return absl::OkStatus();
  }
  // It replaces an empty folder, and no other.
  const bool replaces = kind_ == Kind::kFolder || overwrite_;
  int error = 0;
  if (!replaces) {
    error = RenameToNew(path_, target);
  } else if (rename(path_.c_str(), target.c_str()) != 0) {
    error = errno;
  }
  if (error == 0) return absl::OkStatus();
  return SystemError(error, target_, "rename what was written to it");
}

absl::Status Temporary::Publish() {
  if (kind_ == Kind::kFolder) {
    RETURN_IF_ERROR(SyncTree(path_));
  }
  if (earlier_mode_) KeepAccess(descriptor_, access_path_, *earlier_mode_);
  if (kind_ == Kind::kFile && fsync(descriptor_) != 0) {
    return SystemError(errno, target_, "sync");
  }
  // It may have become a link or a device meanwhile.
  RETURN_IF_ERROR(CheckTarget(target_, kind_, overwrite_));
  RETURN_IF_ERROR(Rename());
  close(std::exchange(descriptor_, -1));
  absl::Status status = SyncFolder(FolderOf(target_));
  lock_.reset();
  return status;
}

bool IsTemporaryName(const std::string& name) { return IsRandomName(name); }

void RemoveAbandoned(const std::string& folder) {
  std::vector<std::string> locks;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    struct stat info;
    // The locks of another user name what that user can remove.
    if (IsLockName(name) && lstat(entry->path().c_str(), &info) == 0 &&
        info.st_uid == geteuid()) {
      locks.push_back(entry->path());
    }
  }
  for (const std::string& path : locks) {
    const absl::StatusOr<FileLock> lock = FileLock::Take(path);
    if (lock.ok() && IsRandomName(lock->left_note())) {
      RemoveTree(absl::StrCat(folder, "/", lock->left_note()));
    }
  }
}

}  // namespace networks::files
