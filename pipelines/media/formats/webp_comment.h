// A comment in a WebP. Private to pipelines/media.
//
// The WebP Container Specification has the chunks, under "Extended File Format"
// and "Metadata"; the comment is the description that XMP takes from Dublin
// Core.
#ifndef PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_
#define PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

// Adds `comment` as XMP metadata to the WebP of this content, still or moving,
// which has none yet. `size` in pixels.
void AddWebpComment(absl::string_view comment, cv::Size size, bool has_alpha,
                    std::string* webp);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_
