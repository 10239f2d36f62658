#include "pipelines/media/frame_source.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "pipelines/media/folder_source.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/media_input.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/row_source.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/webp_source.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

// What can be told of an input before it is opened.
struct Look {
  bool is_folder = false;
  bool is_motion_jpeg = false;
  // The beginning of a regular file, or all of what is in memory.
  std::shared_ptr<const std::string> head =
      std::make_shared<const std::string>();
};

absl::StatusOr<Look> LookAt(const MediaInput& input) {
  Look look;
  if (input.bytes != nullptr) {
    look.head = input.bytes;
    look.is_motion_jpeg = IsRawMotionJpeg(input, *look.head);
    return look;
  }
  if (input.allow_addresses &&
      ClassifyAddress(input.name) != AddressKind::kFile) {
    return look;
  }
  struct stat info;
  if (stat(input.name.c_str(), &info) != 0) {
    return networks::files::SystemError(errno, input.name, "open this file");
  }
  look.is_folder = S_ISDIR(info.st_mode);
  if (S_ISREG(info.st_mode)) {
    ASSIGN_OR_RETURN(std::string head, ReadImageHead(input.name));
    if (head.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(input.name, " is empty"));
    }
    look.head = std::make_shared<const std::string>(std::move(head));
    look.is_motion_jpeg = IsRawMotionJpeg(input, *look.head);
  }
  return look;
}

absl::StatusOr<std::unique_ptr<FrameSource>> OpenVideo(
    const MediaInput& input, const FrameSourceOptions& options) {
  if (input.bytes == nullptr) return VideoReader::Open(input.name, options);
  return VideoReader::OpenBytes(input.bytes, input.name, options);
}

// A kind of input: what it can be told by, and what opens it. The first that
// fits is taken. To add a kind, write a FrameSource in a file of its own and
// put a line here; frame_source_test.cc then needs a line that makes one.
struct Kind {
  bool (*fits)(const Look& look);
  absl::StatusOr<std::unique_ptr<FrameSource>> (*open)(
      const MediaInput& input, const FrameSourceOptions& options);
};

constexpr Kind kKinds[] = {
    {[](const Look& look) { return look.is_folder; }, OpenFolderSource},
    {[](const Look& look) { return IsAnimatedWebp(*look.head); },
     OpenWebpSource},
    {[](const Look& look) { return look.is_motion_jpeg; }, OpenVideo},
    {[](const Look& look) { return LooksLikeImage(*look.head); },
     OpenRowSource},
    {[](const Look&) { return true; }, OpenVideo},
};

absl::StatusOr<std::unique_ptr<FrameSource>> Open(
    const MediaInput& input, const FrameSourceOptions& options) {
  if (input.bytes == nullptr && input.allow_addresses &&
      ClassifyAddress(input.name) == AddressKind::kUrl) {
    ASSIGN_OR_RETURN(std::shared_ptr<const std::string> picture,
                     ReadUrlPicture(input));
    if (picture != nullptr) {
      return Open({input.name, /*allow_addresses=*/false, std::move(picture)},
                  options);
    }
  }
  ASSIGN_OR_RETURN(const Look look, LookAt(input));
  const Kind* kind = kKinds;
  while (!kind->fits(look)) ++kind;
  return kind->open(input, options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSource(
    const std::string& name, const FrameSourceOptions& options) {
  return Open({name, options.allow_addresses, nullptr, options.stop}, options);
}

absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSourceInMemory(
    std::shared_ptr<const std::string> bytes, const std::string& name,
    const FrameSourceOptions& options) {
  return Open({name, /*allow_addresses=*/false, std::move(bytes)}, options);
}

}  // namespace pipelines::media
