// A finished animation in another format.
#ifndef TOOLS_STUDIO_JOBS_CONVERT_VIDEO_H_
#define TOOLS_STUDIO_JOBS_CONVERT_VIDEO_H_

#include <string>

#include "absl/status/status.h"

namespace studio {

// Reads the video `from` and writes `to`, which appears as a whole: by its
// ending a .gif or .webm with the same frame times and sound (a GIF has none),
// or a .zip of the frames as PNGs, 000000.png and so on.
//
// The frames are those of the video: what its encoder lost stays lost. With
// `frames`, a .zip of the same frames as PNGs with alpha, a .webm has those and
// is transparent; the others are over white, as the video is.
//
// The errors of media::VideoReader and VideoWriter, and of ZipReader; DataLoss
// where `frames` holds none or they differ in size; InvalidArgument for another
// ending.
absl::Status ConvertVideo(const std::string& from, const std::string& to,
                          const std::string& frames = "");

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_CONVERT_VIDEO_H_
