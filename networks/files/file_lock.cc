#include "networks/files/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

// A lock's first line is "process 123 on host", its second the note.
constexpr char kHolder[] = "process ";
constexpr size_t kMaxContent = 1024;

std::string ThisProcess() {
  char host[HOST_NAME_MAX + 1] = {};
  gethostname(host, HOST_NAME_MAX);
  return absl::StrCat(kHolder, getpid(), " on ", host);
}

std::string ReadContent(int descriptor) {
  std::string content(kMaxContent, '\0');
  const ssize_t size = pread(descriptor, &content[0], content.size(), 0);
  content.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return content;
}

std::string Line(const std::string& text, int number) {
  size_t begin = 0;
  for (; number > 0 && begin != std::string::npos; --number) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find('\n', begin) - begin);
}

bool IsOwn(int descriptor) {
  struct stat info;
  return fstat(descriptor, &info) == 0 && info.st_uid == geteuid();
}

// Whether `path` is a name of the file that `descriptor` has open.
bool IsFileAt(const std::string& path, int descriptor) {
  struct stat opened, named;
  return fstat(descriptor, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

absl::Status NotALock(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, ": is no lock file but has the name of one; remove it"));
}

// No link is followed, and a named pipe does not block. A lock of another user
// may be open for reading only, which is enough to lock it.
absl::StatusOr<int> OpenLock(const std::string& path,
                             const std::string& subject) {
  constexpr int kFlags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int descriptor = open(path.c_str(), kFlags | O_RDWR | O_CREAT, 0666);
  if (descriptor < 0 && (errno == EACCES || errno == EISDIR)) {
    const int error = errno;
    descriptor = open(path.c_str(), kFlags | O_RDONLY);
    if (descriptor < 0) errno = error;
  }
  if (descriptor < 0 && errno != ELOOP && errno != ENXIO) {
    return SystemError(errno, subject, "make a file in its folder");
  }
  struct stat info;
  if (descriptor >= 0 && fstat(descriptor, &info) == 0 &&
      S_ISREG(info.st_mode)) {
    return descriptor;
  }
  if (descriptor >= 0) close(descriptor);
  return NotALock(path);
}

enum class Attempt { kLocked, kBusy, kNoLocks };

// An error other than that of a holder says that the file system has no locks.
Attempt TryLock(int descriptor) {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Attempt::kBusy;
    if (errno != EINTR) return Attempt::kNoLocks;
  }
  return Attempt::kLocked;
}

// Removes a lock that another user's process left when it was killed: it might
// not be ours to write, and then our note would be nowhere.
bool RemoveOfAnotherUser(const std::string& path, int descriptor) {
  return !IsOwn(descriptor) &&
         absl::StartsWith(ReadContent(descriptor), kHolder) &&
         unlink(path.c_str()) == 0;
}

// What became of an attempt to lock the file at a path.
struct Taken {
  Attempt attempt;
  int descriptor = -1;  // unless busy
  std::string holder;   // if busy
};

absl::StatusOr<Taken> TryTake(const std::string& path,
                              const std::string& subject) {
  while (true) {
    ASSIGN_OR_RETURN(const int descriptor, OpenLock(path, subject));
    const Attempt attempt = TryLock(descriptor);
    const bool is_taken =
        attempt != Attempt::kBusy && IsFileAt(path, descriptor);
    const bool is_removed = is_taken && attempt == Attempt::kLocked &&
                            RemoveOfAnotherUser(path, descriptor);
    if (is_taken && !is_removed) {
      return Taken{attempt, descriptor, ""};
    }
    std::string holder = Line(ReadContent(descriptor), 0);
    close(descriptor);
    // Locked, but removed, by us or its holder in between: make a new one.
    if (attempt != Attempt::kBusy) continue;
    return Taken{attempt, -1, holder.empty() ? "another process" : holder};
  }
}

}  // namespace

FileLock::FileLock(std::string path, std::string subject, int descriptor,
                   std::string left_note)
    : path_(std::move(path)),
      subject_(std::move(subject)),
      descriptor_(descriptor),
      left_note_(std::move(left_note)) {}

absl::StatusOr<FileLock> FileLock::Take(const std::string& path,
                                        const LockOptions& options) {
  constexpr std::chrono::milliseconds kPoll(20);
  const auto deadline = std::chrono::steady_clock::now() + options.wait;
  const std::string& subject = options.subject.empty() ? path : options.subject;
  ASSIGN_OR_RETURN(Taken taken, TryTake(path, subject));
  while (taken.attempt == Attempt::kBusy) {
    const std::string reason = absl::StrCat(taken.holder, " ", options.doing);
    if (std::chrono::steady_clock::now() >= deadline) {
      return absl::UnavailableError(absl::StrCat(subject, ": ", reason));
    }
    if (options.stop && options.stop()) {
      return absl::CancelledError(
          absl::StrCat(subject, ": stopped while ", reason));
    }
    std::this_thread::sleep_for(kPoll);
    ASSIGN_OR_RETURN(taken, TryTake(path, subject));
  }
  const std::string content = ReadContent(taken.descriptor);
  if (!content.empty() && !absl::StartsWith(content, kHolder)) {
    close(taken.descriptor);
    return NotALock(path);
  }
  // Without locks its writer may be alive, and another user may say anything.
  const bool is_left =
      taken.attempt == Attempt::kLocked && IsOwn(taken.descriptor);
  FileLock lock(path, subject, taken.descriptor,
                is_left ? Line(content, 1) : "");
  const absl::Status status = lock.SetNote(lock.left_note_);
  // On a full disk, what a dead holder left can still be removed, which makes
  // room, by whoever gets its note; with the lock, the note would be gone.
  if (!status.ok() && lock.left_note_.empty()) return status;
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)),
      subject_(std::move(other.subject_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      left_note_(std::move(other.left_note_)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this == &other) return *this;
  Release();
  path_ = std::move(other.path_);
  subject_ = std::move(other.subject_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  left_note_ = std::move(other.left_note_);
  return *this;
}

FileLock::~FileLock() { Release(); }

// Removes before it unlocks: a process that locks afterwards finds that the
// file has no name any more.
void FileLock::Release() {
  if (descriptor_ < 0) return;
  if (IsHeld()) unlink(path_.c_str());
  close(std::exchange(descriptor_, -1));
}

bool FileLock::IsHeld() const { return IsFileAt(path_, descriptor_); }

absl::Status FileLock::SetNote(absl::string_view note) {
  constexpr char kWrite[] = "write its lock file";
  const std::string content = absl::StrCat(ThisProcess(), "\n", note, "\n");
  // Over the earlier content, so that a full disk does not lose that.
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t written =
        pwrite(descriptor_, content.data() + done, content.size() - done,
               static_cast<off_t>(done));
    if (written < 0) {
      // Of another user: locked all the same, only without our name in it.
      if (errno == EBADF) return absl::OkStatus();
      return SystemError(errno, subject_, kWrite);
    }
    done += static_cast<size_t>(written);
  }
  if (ftruncate(descriptor_, static_cast<off_t>(content.size())) != 0) {
    return SystemError(errno, subject_, kWrite);
  }
  return absl::OkStatus();
}

}  // namespace networks::files
