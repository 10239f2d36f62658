// What drives an animation, frame by frame: pictures, in which keypoints are
// still to be found, or the keypoints of a motion file.
#ifndef PIPELINES_ANIMATION_DRIVING_READER_H_
#define PIPELINES_ANIMATION_DRIVING_READER_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/media/frame_source.h"

namespace pipelines {

// Either its pictures are empty or its keypoints are undefined.
struct DrivingFrame : CroppedFrame {
  torch::Tensor keypoints;  // [P, 2] float32 on the CPU, as detected
};

// Not for two threads at a time.
class DrivingReader {
 public:
  // A motion file where IsMotionFile (motion_file.h), else what CroppedReader
  // opens. The errors of ReadMotionFile and CroppedReader::Open;
  // InvalidArgument for a motion file whose keypoint sets are others than those
  // of `animator`, or that another detector made, naming both.
  static absl::StatusOr<std::unique_ptr<DrivingReader>> Open(
      const std::string& path, const CroppedReaderOptions& options,
      Animator& animator);

  virtual ~DrivingReader() = default;

  virtual const media::VideoInfo& info() const = 0;
  virtual int64_t num_read() const = 0;
  // Frames to come in all, if known.
  virtual std::optional<int64_t> num_frames() const = 0;

  // The next frame; empty after the last one. The errors of
  // CroppedReader::Next.
  virtual absl::StatusOr<std::optional<DrivingFrame>> Next() = 0;

  virtual bool has_pictures() const = 0;
  // Whether all there is is one picture, or the keypoints of one: a pose, and
  // no motion.
  virtual bool is_pose() const = 0;
  // The part of the pictures that is cropped; after the first frame.
  virtual cv::Rect box() const = 0;
  // The fingerprint of the detector that found, or is to find, the keypoints;
  // empty where a motion file does not say.
  virtual std::string detector() const = 0;
  // See media::FrameSource::damage.
  virtual std::string damage() const = 0;
  // For the user; complete after the first frame.
  virtual std::vector<std::string> warnings() const = 0;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_DRIVING_READER_H_
