// Frames to a virtual camera: a device of v4l2loopback, which other programs
// (browsers, conferences, recorders) take for a camera.
#ifndef PIPELINES_MEDIA_DEVICE_SINK_H_
#define PIPELINES_MEDIA_DEVICE_SINK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/video_writer.h"

namespace pipelines::media {

// Whether OpenFrameSink takes `output` for a device: "v4l2:/dev/video9".
bool IsDeviceOutput(const std::string& output);

// Writes each frame when it is due, the first at once; one that is late is
// shown at once. While it waits it asks options.stop, and returns when that
// says so. Pixels are yuv420p by BT.601, as of cameras; odd sizes are padded as
// in a file. Sound is left out, with a warning. Of `options` only the size, the
// times and `stop` count.
//
// InvalidArgument where the name has no path behind "v4l2:", or the path is no
// device that takes video; NotFound where there is none, with how to make one;
// Unimplemented where FFmpeg was built without these devices.
absl::StatusOr<std::unique_ptr<FrameSink>> OpenDeviceSink(
    const std::string& name, const VideoWriterOptions& options);

// What time it is, in seconds, and waiting for some.
struct SinkClock {
  std::function<double()> now;
  std::function<void(double seconds)> sleep;
};
SinkClock SystemClock();

// The same by any of FFmpeg's muxers that take raw video, to whatever
// `address` is for it, and by any clock: what OpenDeviceSink does once the
// device is known to be one. Errors name `name`.
absl::StatusOr<std::unique_ptr<FrameSink>> OpenRawSink(
    const std::string& name, const std::string& muxer,
    const std::string& address, const VideoWriterOptions& options,
    const SinkClock& clock);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_DEVICE_SINK_H_
