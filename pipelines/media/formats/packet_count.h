// Whether the structure of a video file is sound. Some of FFmpeg's demuxers
// search on behind a damaged place, or stop there, and say nothing of the
// frames that are lost. Private to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_PACKET_COUNT_H_
#define PIPELINES_MEDIA_FORMATS_PACKET_COUNT_H_

#include <cstdint>
#include <istream>
#include <optional>

#include "absl/status/statusor.h"

namespace pipelines::media {

// Walks over the elements of a webm, mkv, gif, animated png or flv file,
// reading only their headers. DataLoss with the place where something else
// stands than what the format allows there. Returns the packets of all streams
// together that a sound demuxer finds; empty for flv, which does not tell
// packets from settings, and for every other format, which is not looked at.
absl::StatusOr<std::optional<int64_t>> CountStoredPackets(std::istream& file);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_PACKET_COUNT_H_
