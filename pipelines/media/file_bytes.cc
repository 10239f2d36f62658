#include "pipelines/media/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

class File : public IoSource {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() override { close(descriptor_); }

  int Read(uint8_t* buffer, int size) override {
    ssize_t count;
    do {
      count = read(descriptor_, buffer, static_cast<size_t>(size));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return AVERROR(errno);
    return count == 0 ? AVERROR_EOF : static_cast<int>(count);
  }

  int64_t Seek(int64_t offset, int whence) override {
    if (whence == AVSEEK_SIZE) {
      struct stat info;
      return fstat(descriptor_, &info) == 0 ? info.st_size : AVERROR(errno);
    }
    const off_t place = lseek(descriptor_, offset, whence);
    return place < 0 ? AVERROR(errno) : place;
  }

 private:
  const int descriptor_;
};

absl::Status CheckKind(const struct stat& info, const std::string& path) {
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a folder, not a video"));
  }
  if (S_ISREG(info.st_mode) && info.st_size == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<IoPtr> OpenFileBytes(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, path);
  auto file = std::make_unique<File>(descriptor);
  struct stat info;
  if (fstat(descriptor, &info) != 0) return absl::ErrnoToStatus(errno, path);
  RETURN_IF_ERROR(CheckKind(info, path));
  return MakeIo(std::move(file), /*can_seek=*/S_ISREG(info.st_mode));
}

}  // namespace pipelines::data
