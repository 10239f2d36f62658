// What `studio_decoder` finds out about a file in memory. Runs confined: it
// opens nothing.
#ifndef TOOLS_STUDIO_JOBS_DECODE_H_
#define TOOLS_STUDIO_JOBS_DECODE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pipelines/animation/framing.h"
#include "tools/studio/base/rgba_image.h"
#include "tools/studio/jobs/media_facts.h"

namespace studio {

using Bytes = std::shared_ptr<const std::string>;

// The whole of it is read once, so that what is damaged is refused: a picture
// is decoded, a video's packets are counted. A video of one picture, and a
// picture that moves, are InvalidArgument; so is everything that
// media::OpenFrameSource and ReadMotionFile refuse.
absl::StatusOr<MediaFacts> ProbeMedia(const Bytes& bytes, MediaKind kind);

// See DecoderClient::Preview.
absl::StatusOr<std::string> MakePreview(const Bytes& bytes, MediaKind kind,
                                        int64_t frame, int side);

// See DecoderClient::Pixels.
absl::StatusOr<RgbaImage> DecodePixels(const Bytes& bytes, int side);

struct CropSquare {
  int x = 0, y = 0, side = 0;
  bool is_face = false;
};

// The largest square in the centre of the picture or the video's first frame,
// or about the largest face where `faces` (which may be null) finds one.
absl::StatusOr<CropSquare> ProposeSquare(const Bytes& bytes,
                                         pipelines::FaceFinder* faces);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_DECODE_H_
