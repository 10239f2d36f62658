#include "pipelines/config/frame_size.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/validate.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::StatusOr<FrameSize> ParseFrameSize(absl::string_view text) {
  const std::vector<absl::string_view> sides = absl::StrSplit(text, 'x');
  FrameSize size;
  if (sides.size() > 2 || !absl::SimpleAtoi(sides.front(), &size.width) ||
      !absl::SimpleAtoi(sides.back(), &size.height)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text,
        "' is no size of frames; use 384, or 512x384 for width and "
        "height"));
  }
  return size;
}

absl::Status SetFrameSize(const FrameSize& size, Config* config) {
  config->mutable_data()->set_width(size.width);
  config->mutable_data()->set_height(size.height);
  RETURN_IF_ERROR(CheckRanges(*config));
  return ValidateFrameSize(*config);
}

}  // namespace pipelines
