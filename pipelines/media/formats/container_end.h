// Where a video file ends by its own account. Demuxers take the end of a file
// for the end of the video; this tells whether something is cut off.
#ifndef PIPELINES_MEDIA_FORMATS_CONTAINER_END_H_
#define PIPELINES_MEDIA_FORMATS_CONTAINER_END_H_

#include <cstdint>
#include <istream>
#include <optional>

namespace pipelines::media {

// Bytes that the file must have by the sizes written in it, following the
// outermost structure of mp4 and mov (boxes), avi (RIFF), webm and mkv (EBML),
// wmv (ASF), ogv (Ogg) and mxf (partitions).
// Larger than the file when it is truncated. Empty for other formats, and where
// the writer left the size open (live recordings).
std::optional<int64_t> StatedEnd(std::istream& file);

// The byte where a second file begins in a wmv (ASF), as where two were put
// behind one another; empty if there is none, and for other formats. FFmpeg and
// players read the first alone.
std::optional<int64_t> SecondAsf(std::istream& file);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_CONTAINER_END_H_
