// Where frames go, one after the other: a video file, a folder of images, or a
// single picture, or a device.
#ifndef PIPELINES_MEDIA_FRAME_SINK_H_
#define PIPELINES_MEDIA_FRAME_SINK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

// Writes to a temporary beside its path (networks/files/temporary.h); Finish()
// gives the output its name. Destroyed before that, it removes the temporary
// and leaves what was at its path. Not safe for use from two threads at a time.
class FrameSink {
 public:
  virtual ~FrameSink() = default;

  // Appends a frame one frame period after the one before.
  // rgb: [height, width] CV_8UC3, RGB, or CV_8UC4, RGBA, as
  // VideoWriterOptions::with_alpha says. ResourceExhausted on a full disk.
  virtual absl::Status Write(const cv::Mat& rgb) = 0;

  // Appends a frame that is shown from `pts` for `duration`, both in units of
  // VideoWriterOptions::time_base. pts must rise strictly. Do not mix with
  // Write.
  virtual absl::Status WriteAt(const cv::Mat& rgb, int64_t pts,
                               int64_t duration) = 0;

  // Leaves out the sound behind the last frame, and before the first one if no
  // frame is written yet: for frames of which some were lost there. Call it
  // before Finish.
  virtual void CutSoundToFrames() {}

  // Completes the output. Without it nothing appears.
  virtual absl::Status Finish() = 0;

  // What the caller should tell the user: a fallback encoder, sound that is
  // left out or encoded anew. Complete after Finish.
  virtual const std::vector<std::string>& warnings() const = 0;
};

struct VideoWriterOptions;

// Whether OpenFrameSink makes a folder of `path`: it has no ending, or a slash
// at its end, and is no device.
bool IsFolderOutput(const std::string& path);

// Whether OpenFrameSink makes a picture of `path` where one frame is written:
// it ends in .png, .jpg, .jpeg, .webp, .bmp, .tif or .tiff.
bool IsPictureOutput(const std::string& path);

// Whether `path`, where a program makes a folder, is rather a picture's:
// IsPictureOutput, without a slash at its end, and no folder that is there.
bool IsPictureInsteadOfFolder(const std::string& path);

// Whether it refuses a second frame then: pictures but for .webp, which is
// animated by more.
bool HoldsOneFrameOnly(const std::string& path);

// Whether an output of this name can hold alpha: a folder, .png, .webp, .webm
// or .mov.
bool HoldsAlphaOutput(const std::string& path);

// InvalidArgument for an ending with which OpenFrameSink makes nothing.
absl::Status CheckEnding(const std::string& path);

// A device for "v4l2:" and its path (device_sink.h); a VideoWriter for the
// endings it knows; a folder of PNGs 000000.png, 000001.png and so on where
// IsFolderOutput; a picture where IsPictureOutput, whose Write is
// InvalidArgument for a second frame where HoldsOneFrameOnly. The folder must
// not exist yet, or be empty (AlreadyExists). Unavailable, naming it, while
// another process writes the same output.
absl::StatusOr<std::unique_ptr<FrameSink>> OpenFrameSink(
    const std::string& path, const VideoWriterOptions& options);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FRAME_SINK_H_
