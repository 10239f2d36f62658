#include "networks/files/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

constexpr char kOpen[] = "open this file";
constexpr char kRead[] = "read this file";

// Until `descriptor` has bytes, an end, or an error to tell. A named pipe that
// nobody has opened for writing has none of them.
absl::Status WaitForBytes(int descriptor, const std::string& path,
                          const std::function<bool()>& stop) {
  constexpr int kPollMilliseconds = 50;
  pollfd waiting = {descriptor, POLLIN, 0};
  while (true) {
    const int ready = poll(&waiting, 1, kPollMilliseconds);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SystemError(errno, path, kRead);
    if (stop && stop()) {
      return absl::CancelledError(
          absl::StrCat(path, ": stopped while waiting for its first bytes"));
    }
  }
}

absl::Status TooLarge(const std::string& path, int64_t max_bytes) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": is larger than ", max_bytes,
                   " bytes, the most that such a file may have"));
}

// Reads up to `limit` bytes. Pipes and devices state no size, so to the end.
absl::StatusOr<std::string> ReadUpTo(int descriptor, bool is_regular,
                                     int64_t size, int64_t limit,
                                     const std::string& path,
                                     const std::function<bool()>& stop) {
  constexpr int64_t kBlock = 1 << 16;
  std::string content;
  content.reserve(
      static_cast<size_t>(std::min(size > 0 ? size + 1 : kBlock, limit)));
  int64_t filled = 0;
  while (filled < limit) {
    if (!is_regular) RETURN_IF_ERROR(WaitForBytes(descriptor, path, stop));
    // A string that grows doubles: only where all of it is filled.
    const auto capacity = static_cast<int64_t>(content.capacity());
    content.resize(static_cast<size_t>(
        std::min(limit, filled < capacity ? capacity : filled + kBlock)));
    const ssize_t got = read(descriptor, &content[static_cast<size_t>(filled)],
                             content.size() - static_cast<size_t>(filled));
    if (got == 0) break;
    if (got > 0) {
      filled += got;
    } else if (errno != EINTR && errno != EAGAIN) {
      return SystemError(errno, path, kRead);
    }
  }
  content.resize(static_cast<size_t>(filled));
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     const ReadOptions& options) {
  // Opening a named pipe without O_NONBLOCK would wait for its writer, and no
  // stop would end that.
  const int descriptor =
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return SystemError(errno, path, kOpen);
  const absl::Cleanup closer = [descriptor] { close(descriptor); };
  struct stat info;
  if (fstat(descriptor, &info) != 0) return SystemError(errno, path, kOpen);
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a folder, not a file"));
  }
  const bool is_regular = S_ISREG(info.st_mode);
  const bool reads_all = options.first_bytes == 0;
  if (reads_all && info.st_size > options.max_bytes) {
    return TooLarge(path, options.max_bytes);
  }
  const int64_t limit = reads_all ? options.max_bytes + 1 : options.first_bytes;
  ASSIGN_OR_RETURN(std::string content,
                   ReadUpTo(descriptor, is_regular, info.st_size, limit, path,
                            options.stop));
  if (reads_all && static_cast<int64_t>(content.size()) > options.max_bytes) {
    return TooLarge(path, options.max_bytes);
  }
  return content;
}

absl::StatusOr<std::string> ReadNonEmptyFile(const std::string& path,
                                             const ReadOptions& options) {
  ASSIGN_OR_RETURN(std::string content, ReadFile(path, options));
  if (!content.empty()) return content;
  return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
}

}  // namespace networks::files
