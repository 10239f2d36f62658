#include "pipelines/media/colour.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace pipelines::media {

std::optional<cv::Vec3b> ParseColour(const std::string& text) {
  if (text == "white") return cv::Vec3b(255, 255, 255);
  if (text == "black") return cv::Vec3b(0, 0, 0);
  constexpr size_t kLength = 7;  // #rrggbb
  uint32_t value = 0;
  if (text.size() != kLength || text[0] != '#' ||
      !std::all_of(text.begin() + 1, text.end(), absl::ascii_isxdigit) ||
      !absl::SimpleHexAtoi(text.substr(1), &value)) {
    return std::nullopt;
  }
  return cv::Vec3b(static_cast<uint8_t>(value >> 16),
                   static_cast<uint8_t>(value >> 8),
                   static_cast<uint8_t>(value));
}

}  // namespace pipelines::media
