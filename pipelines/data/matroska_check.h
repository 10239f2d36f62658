// Whether a webm or mkv file is sound. FFmpeg's demuxer searches on behind a
// damaged place and says nothing of the frames in between.
#ifndef PIPELINES_DATA_MATROSKA_CHECK_H_
#define PIPELINES_DATA_MATROSKA_CHECK_H_

#include <cstdint>
#include <istream>

#include "absl/status/statusor.h"

namespace pipelines::data {

// Frames of all streams together, by a walk over the file's elements that reads
// only their headers. DataLoss with the place where something else stands than
// an element that Matroska knows. [RFC 9559]
absl::StatusOr<int64_t> CountMatroskaFrames(std::istream& file);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_MATROSKA_CHECK_H_
