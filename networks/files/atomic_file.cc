#include "networks/files/atomic_file.h"

#include <fcntl.h>
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

// Linux writes at most 0x7ffff000 bytes a call.
constexpr size_t kMaxWrite = size_t{1} << 30;

absl::Status CopyAtomically(const std::string& from, const std::string& to,
                            const OutputOptions& options) {
  constexpr char kRead[] = "read this file";
  const int source = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (source < 0) return SystemError(errno, from, kRead);
  const absl::Cleanup closer = [source] { close(source); };
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(to, options));
  std::string block(size_t{1} << 20, '\0');
  while (true) {
    const ssize_t size = read(source, &block[0], block.size());
    if (size == 0) return file.Commit();
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemError(errno, from, kRead);
    RETURN_IF_ERROR(file.Append({block.data(), static_cast<size_t>(size)}));
  }
}

}  // namespace

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::string& path,
                                              const OutputOptions& options) {
  ASSIGN_OR_RETURN(Temporary temporary,
                   Temporary::Create(path, Temporary::Kind::kFile, options));
  return AtomicFile(std::move(temporary));
}

absl::Status AtomicFile::Append(absl::string_view bytes) {
  RETURN_IF_ERROR(Overwrite(size_, bytes));
  size_ += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status AtomicFile::Overwrite(int64_t offset, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(temporary_.descriptor(), bytes.data(),
                                   std::min(bytes.size(), kMaxWrite), offset);
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError(errno, path(), "write");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return absl::OkStatus();
}

std::string AtomicFile::WritablePath() const {
  return absl::StrCat("/proc/self/fd/", temporary_.descriptor());
}

absl::Status WriteAtomically(const std::string& path,
                             absl::string_view contents) {
  OutputOptions options;
  options.wait = kWaitToWrite;
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path, options));
  RETURN_IF_ERROR(file.Append(contents));
  return file.Commit();
}

absl::Status LinkOrCopyAtomically(const std::string& from,
                                  const std::string& to,
                                  std::chrono::milliseconds wait) {
  OutputOptions options;
  options.wait = wait;
  absl::StatusOr<Temporary> link = Temporary::CreateLink(from, to, options);
  if (link.ok()) return link->Publish();
  // Another process writes it: a copy would wait for it once more.
  if (absl::IsUnavailable(link.status())) return link.status();
  options.access_from = from;
  return CopyAtomically(from, to, options);
}

}  // namespace networks::files
