// Frames one after the other, whatever they are stored in.
#ifndef PIPELINES_MEDIA_FRAME_SOURCE_H_
#define PIPELINES_MEDIA_FRAME_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/rational.h"

namespace pipelines::media {

// Pixels beyond which a video is refused before its first frame is decoded:
// 8192x8192, twice a frame of 8k. As RGB a frame takes up to 192 MiB, of which
// a reader holds two, and a decoder keeps up to 16 frames of about half of
// that.
inline constexpr int64_t kMaxVideoPixels = int64_t{1} << 26;

// What is known of a sequence of frames before its first frame is read.
struct VideoInfo {
  // Size of each frame as Next() returns it: upright.
  int width = 0;
  int height = 0;

  // Frames per second: exact for a constant rate, the average for a variable
  // one. FrameSourceOptions::image_rate for frames that are stored as images,
  // and with has_assumed_rate.
  Rational frame_rate;

  // A video that states neither times nor a rate, as raw streams (.h264, .hevc,
  // .obu, .mjpeg) may: each frame is shown for as long as frame_rate says.
  bool has_assumed_rate = false;

  // Unit of VideoFrame::pts and duration, in seconds.
  Rational time_base;

  // Frames in the file by its own index; empty where the format keeps none
  // (then only reading to the end tells).
  std::optional<int64_t> num_frames;

  // Seconds; empty where the format does not say, as a Matroska file with
  // sound, until Count() has read to the end.
  std::optional<double> duration;

  bool has_audio = false;

  // A camera: it has no end and does not wait for its reader.
  bool is_live = false;

  // A camera, or a pipe: who opens it again does not find these frames.
  bool reads_once = false;

  // For the user: what of the source is read, but not as it should be seen.
  // Complete once all frames are read.
  std::vector<std::string> warnings;

  // One picture, which is shown for no particular time.
  bool is_still = false;

  // Any frame costs the same, wherever it stands: FrameSource::Seek works.
  bool random_access = false;
};

struct VideoFrame {
  // [height, width] CV_8UC3, RGB. Owned by the caller, never written again.
  cv::Mat rgb;

  // CV_8UC1 of the same size: 255 where the frame is opaque, 0 where it cannot
  // be seen and `rgb` is white. Empty where all is opaque.
  cv::Mat alpha;

  // When the frame is shown and for how long, in units of VideoInfo::time_base.
  // pts rises strictly from frame to frame and need not begin at 0.
  int64_t pts = 0;
  int64_t duration = 0;
};

// Not safe for use from two threads at a time.
class FrameSource {
 public:
  virtual ~FrameSource() = default;

  virtual const VideoInfo& info() const = 0;

  // The next frame; empty after the last one. DataLoss when the source is
  // damaged or ends before its time; the message says how many frames were read
  // and where. After an error every further call returns the same error.
  virtual absl::StatusOr<std::optional<VideoFrame>> Next() = 0;

  // Makes Next() return the frame at `index`, from 0. OutOfRange behind the
  // last one; Unimplemented where info().random_access is false.
  virtual absl::Status Seek(int64_t index) {
    return absl::UnimplementedError(
        absl::StrCat("no random access to frame ", index));
  }

  // Goes to the end and returns how many frames the source has, those that were
  // read before included; decodes as few as the format allows. The errors of
  // Next, as far as they show without decoding.
  virtual absl::StatusOr<int64_t> Count() = 0;

  // With FrameSourceOptions::allow_damaged: what could not be read so far, in
  // words ("2 of 40 frames are lost, the first after frame 17 (0.680 s): ...");
  // empty when nothing was. Complete once Next() has returned the end.
  virtual std::string damage() const { return ""; }
};

struct FrameSourceOptions {
  // Threads for decoding; 0 leaves the choice to FFmpeg.
  int threads = 1;

  // Skip what cannot be decoded instead of returning an error.
  bool allow_damaged = false;

  // Ends the errors of damage: what the user of this program can do, as
  // "--allow_damaged leaves out what is damaged". Empty where that is nothing.
  std::string damage_advice;

  // The name may be one of a device or a URL (see input_address.h). Set this
  // for a name that the user gave, and for no other: one that stands in a list,
  // a folder or a data set is a file's, so that data cannot reach beyond its
  // files.
  bool allow_addresses = false;

  // Asked while a pipe or a server keeps the source waiting, also when it is
  // opened; once it is true, reading ends with Cancelled. Asked by the thread
  // that reads. May be empty.
  std::function<bool()> stop;

  // Frames a second of what states neither times nor a rate: images, and videos
  // with VideoInfo::has_assumed_rate. Other videos have their own.
  Rational image_rate = {25, 1};

  // The images of a folder may differ in size.
  bool allow_other_sizes = false;

  // An image is a row of frames if it holds at least so many; a photograph may
  // well be twice as wide as high.
  int min_stacked_frames = 2;
};

// That of a source to animate, which is a photograph more often than a short
// clip in one image.
inline constexpr int kMinFramesOfSourceRow = 5;

// Opens the input of this name, going by its content and not by its name:
//  - a folder: its images, in the order in which people count;
//  - an animated WebP: its frames;
//  - JPEGs of one size behind one another (.mjpeg): a video;
//  - an image: a row of square frames, side by side (width a multiple of the
//    height), or a single frame if it is no such row;
//  - a device or a URL, if options.allow_addresses: see input_address.h;
//  - anything else: a video, see video_reader.h. A playlist, or whatever else
//    names other files, is none.
// NotFound, PermissionDenied, or InvalidArgument with the reason.
absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSource(
    const std::string& name, const FrameSourceOptions& options = {});

// The same for the content of an image or a video in memory, which is shared as
// long as the source lives; `name` stands in messages.
absl::StatusOr<std::unique_ptr<FrameSource>> OpenFrameSourceInMemory(
    std::shared_ptr<const std::string> bytes, const std::string& name,
    const FrameSourceOptions& options = {});

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FRAME_SOURCE_H_
