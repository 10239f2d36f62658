// A comment in an animated WebP. Private to pipelines/media.
//
// The WebP Container Specification has the chunks, under "Extended File Format"
// and "Metadata"; the comment is the description that XMP takes from Dublin
// Core.
#ifndef PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_
#define PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pipelines::media {

// Adds `comment` as XMP metadata to the animated WebP at `writable_path`, which
// has none yet. `path` stands for it in messages. ResourceExhausted where it
// cannot be written, DataLoss where it is no such file.
absl::Status AddWebpComment(absl::string_view comment,
                            const std::string& writable_path,
                            const std::string& path);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_WEBP_COMMENT_H_
