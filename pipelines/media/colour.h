// Colours as people write them.
#ifndef PIPELINES_MEDIA_COLOUR_H_
#define PIPELINES_MEDIA_COLOUR_H_

#include <optional>
#include <string>

#include "opencv2/core.hpp"

namespace pipelines::media {

// R, G, B of "white", "black" or "#rrggbb", as "#ff8000"; nothing for any other
// text.
std::optional<cv::Vec3b> ParseColour(const std::string& text);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_COLOUR_H_
