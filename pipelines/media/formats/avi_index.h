// What the index of an AVI lists. Private to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_AVI_INDEX_H_
#define PIPELINES_MEDIA_FORMATS_AVI_INDEX_H_

#include <cstdint>
#include <istream>
#include <optional>

namespace pipelines::media {

struct AviPieces {
  int64_t all = 0;
  int64_t filled = 0;  // an empty one repeats the frame before it
};

// The pieces of the video stream of that number that the table idx1 behind the
// pieces lists; empty if there is no such table. Of a file beyond a gigabyte it
// lists those of the first one.
std::optional<AviPieces> ListedByAvi(std::istream& file, int stream);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_AVI_INDEX_H_
