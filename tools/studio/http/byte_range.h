// The Range header.
#ifndef TOOLS_STUDIO_HTTP_BYTE_RANGE_H_
#define TOOLS_STUDIO_HTTP_BYTE_RANGE_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace studio {

struct ByteRange {
  int64_t first = 0;
  int64_t bytes = 0;  // at least 1
};

// The range of a body of `size` bytes that `header` names: "bytes=0-99",
// "bytes=100-" or "bytes=-100" (the last ones). Nothing where the header is
// empty or no byte range: then the whole body is the answer. OutOfRange where
// the range begins behind the end, or where there is more than one.
absl::StatusOr<std::optional<ByteRange>> ParseByteRange(
    absl::string_view header, int64_t size);

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_BYTE_RANGE_H_
