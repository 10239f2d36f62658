#include "pipelines/media/frame_source.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/folder_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/row_source.h"
#include "pipelines/media/video_reader.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

// What can be told of an input before it is opened.
struct Input {
  bool is_folder = false;
  std::string head;  // the first bytes of a regular file
};

absl::StatusOr<std::string> ReadHead(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, path);
  std::string head(16, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  if (head.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  }
  return head;
}

absl::StatusOr<Input> LookAt(const std::string& name,
                             const FrameSourceOptions& options) {
  Input input;
  if (options.allow_addresses && ClassifyAddress(name) != AddressKind::kFile) {
    return input;
  }
  struct stat info;
  if (stat(name.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, name);
  input.is_folder = S_ISDIR(info.st_mode);
  if (S_ISREG(info.st_mode)) {
    ASSIGN_OR_RETURN(input.head, ReadHead(name));
  }
  return input;
}

absl::StatusOr<std::unique_ptr<FrameSource>> OpenVideo(
    const std::string& name, const FrameSourceOptions& options) {
  return VideoReader::Open(name, options);
}

// A kind of input: what it can be told by, and what opens it. The first that
// fits is taken. To add a kind, write a FrameSource in a file of its own and
// put a line here; frame_source_test.cc then needs a line that makes one.
struct Kind {
  bool (*fits)(const Input& input);
  absl::StatusOr<std::unique_ptr<FrameSource>> (*open)(
      const std::string& name, const FrameSourceOptions& options);
};

constexpr Kind kKinds[] = {
    {[](const Input& input) { return input.is_folder; }, OpenFolderSource},
    {[](const Input& input) { return LooksLikeImage(input.head); },
     OpenRowSource},
    {[](const Input&) { return true; }, OpenVideo},
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSource(
    const std::string& name, const FrameSourceOptions& options) {
  ASSIGN_OR_RETURN(const Input input, LookAt(name, options));
  const Kind* kind = kKinds;
  while (!kind->fits(input)) ++kind;
  return kind->open(name, options);
}

}  // namespace pipelines::data
