// Opens what FFmpeg is to read, within the limits of input_policy.h. Private to
// this folder.
#ifndef PIPELINES_MEDIA_OPEN_INPUT_H_
#define PIPELINES_MEDIA_OPEN_INPUT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// A frame rate that no video has. Raw streams, as .h264, have no times, and
// some state no rate either. FFmpeg takes the rate that it is told for them,
// else 25, and does not say so: where this one comes back, none was stated.
//
// A whole number of the ticks that FFmpeg counts raw streams in (1/1200000 s)
// and a multiple of 1/12, so that a guess from times hits it; near to 25, for
// the first frame of an .h261 or .h263 lasts so long in any case.
inline constexpr AVRational kRateOfNone = {80, 3};

// Whether `input`, whose first bytes are `head`, is raw Motion JPEG, and so a
// video that begins like a picture (see formats/motion_jpeg.h). False for what
// cannot be read twice.
bool IsRawMotionJpeg(const MediaInput& input, std::string_view head);

// Opens a file, or bytes in memory, and recognises the container by its
// content; with input.allow_addresses, a device or a URL, too. FFmpeg gets the
// bytes of the one file and can open no other. A stream that has no times and
// states no rate gets kRateOfNone.
//
// NotFound or PermissionDenied; InvalidArgument for folders, empty files, what
// no demuxer knows, and demuxers that are not allowed.
absl::StatusOr<InputPtr> OpenInput(const MediaInput& input);

// What a server of HTTP gives, whole, where it begins like a picture, still or
// moving, which FFmpeg reads without its orientation and colour profile, or not
// at all. Null where it does not, or is empty. The errors of OpenInput where
// the server cannot be reached.
absl::StatusOr<std::shared_ptr<const std::string>> ReadUrlPicture(
    const MediaInput& address);

// Reads as far as it takes to know the streams of `input`, which was opened by
// the name `name`. Colours that a stream does not state are those that its
// container states. InvalidArgument when none can be found.
absl::Status FindStreams(AVFormatContext* input, const std::string& name);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_OPEN_INPUT_H_
