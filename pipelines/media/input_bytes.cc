#include "pipelines/media/input_bytes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

class File : public IoSource {
 public:
  // Of a pipe, `stop` is asked while it has nothing to read.
  File(int descriptor, std::function<bool()> stop)
      : descriptor_(descriptor), stop_(std::move(stop)) {}
  ~File() override { close(descriptor_); }

  int Read(uint8_t* buffer, int size) override {
    while (true) {
      if (!WaitForBytes()) return AVERROR_EXIT;
      const ssize_t count =
          read(descriptor_, buffer, static_cast<size_t>(size));
      if (count > 0) return static_cast<int>(count);
      if (count == 0) return AVERROR_EOF;
      if (errno != EINTR && errno != EAGAIN) return AVERROR(errno);
    }
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
  // A pipe is opened without waiting for its writer, so that the wait is here;
  // a regular file has always something to say. False once it is to stop.
  bool WaitForBytes() const {
    constexpr int kMilliseconds = 100;
    pollfd ready = {descriptor_, POLLIN, 0};
    while (poll(&ready, 1, kMilliseconds) <= 0) {
      if (stop_ && stop_()) return false;
    }
    return true;
  }

  const int descriptor_;
  const std::function<bool()> stop_;
};

class Memory : public IoSource {
 public:
  explicit Memory(std::shared_ptr<const std::string> bytes)
      : bytes_(std::move(bytes)) {}

  int Read(uint8_t* buffer, int size) override {
    const auto left = static_cast<int64_t>(bytes_->size()) - place_;
    if (left <= 0) return AVERROR_EOF;
    const auto count = static_cast<int>(std::min<int64_t>(size, left));
    std::memcpy(buffer, bytes_->data() + place_, static_cast<size_t>(count));
    place_ += count;
    return count;
  }

  int64_t Seek(int64_t offset, int whence) override {
    const auto size = static_cast<int64_t>(bytes_->size());
    if (whence == AVSEEK_SIZE) return size;
    const int64_t from = whence == SEEK_CUR   ? place_
                         : whence == SEEK_END ? size
                                              : 0;
    if (offset < -from || offset > size - from) return AVERROR(EINVAL);
    return place_ = from + offset;
  }

 private:
  std::shared_ptr<const std::string> bytes_;
  int64_t place_ = 0;
};

class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(const std::string& bytes) {
    // A buffer for reading never writes to them.
    char* const begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }

 private:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from,
                   std::ios_base::openmode) override {
    const off_type start = from == std::ios_base::cur   ? gptr() - eback()
                           : from == std::ios_base::end ? egptr() - eback()
                                                        : 0;
    const off_type place = start + offset;
    if (place < 0 || place > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + place, egptr());
    return pos_type(place);
  }
  pos_type seekpos(pos_type place, std::ios_base::openmode mode) override {
    return seekoff(off_type(place), std::ios_base::beg, mode);
  }
};

// A stream over bytes that it shares.
class MemoryStream : public std::istream {
 public:
  explicit MemoryStream(std::shared_ptr<const std::string> bytes)
      : std::istream(nullptr), bytes_(std::move(bytes)), buffer_(*bytes_) {
    rdbuf(&buffer_);
  }

 private:
  std::shared_ptr<const std::string> bytes_;
  MemoryBuffer buffer_;
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

absl::StatusOr<IoPtr> OpenFile(const MediaInput& input) {
  const std::string& path = input.name;
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return networks::files::SystemError(errno, path, "open this file");
  }
  auto file = std::make_unique<File>(descriptor, input.stop);
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    return networks::files::SystemError(errno, path, "open this file");
  }
  RETURN_IF_ERROR(CheckKind(info, path));
  return MakeIo(std::move(file), /*can_seek=*/S_ISREG(info.st_mode));
}

}  // namespace

absl::StatusOr<IoPtr> OpenBytes(const MediaInput& input) {
  if (input.bytes == nullptr) return OpenFile(input);
  if (input.bytes->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(input.name, " is empty"));
  }
  return MakeIo(std::make_unique<Memory>(input.bytes), /*can_seek=*/true);
}

std::unique_ptr<std::istream> OpenStream(const MediaInput& input) {
  if (input.bytes != nullptr)
    return std::make_unique<MemoryStream>(input.bytes);
  std::error_code error;
  if (!std::filesystem::is_regular_file(input.name, error)) return nullptr;
  return std::make_unique<std::ifstream>(input.name, std::ios::binary);
}

}  // namespace pipelines::media
