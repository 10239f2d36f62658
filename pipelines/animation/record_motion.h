// Finds the keypoints of a driving video and keeps them as a motion file,
// without animating anything.
#ifndef PIPELINES_ANIMATION_RECORD_MOTION_H_
#define PIPELINES_ANIMATION_RECORD_MOTION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/animation/driving_reader.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines {

struct RecordMotionOptions {
  // How the video is read; see DrivingOptionsOf (animate_video.h).
  CroppedReaderOptions reader;
  // Frames that go through the detector together; 0 chooses by their size.
  int batch_size = 0;
  // Whether an output that exists is replaced.
  bool overwrite = false;
  // What else is read for this, as the checkpoint. No output may be an input.
  std::vector<std::string> other_inputs;
  // Its stage is "detect", counted in frames.
  WorkHooks hooks;
  // Each frame as it was read and its keypoints, [P, 2] on the CPU in the
  // coordinates of what the model sees of it, which is `crop`. From the calling
  // thread. May be empty.
  std::function<void(int64_t index, const cv::Mat& crop,
                     const torch::Tensor& keypoints)>
      frame_detected;
};

struct RecordMotionReport {
  int64_t frames = 0;
  std::string damage;  // what of the video was lost; empty: nothing
  std::vector<std::string> warnings;  // for the user
  double seconds = 0;
};

// Writes the motion file `output`: the one that AnimateVideo saves with
// save_motion for the same driving video, to the bit. On error, and where
// hooks.stop asks to end (Cancelled), nothing appears there.
//
// The errors of networks::files::CheckOutputs and DrivingReader;
// InvalidArgument for a motion file as `driving`, and for a camera.
absl::StatusOr<RecordMotionReport> RecordMotion(
    Animator& animator, const std::string& driving, const std::string& output,
    const RecordMotionOptions& options);

// What a motion file of `driving` states besides its frames.
RecordedMotion MotionHeadOf(const DrivingReader& driving,
                            const Animator& animator);

// For the user, where `driving` has a sound that the motion file has not.
std::string LostSoundWarning(const DrivingReader& driving,
                             const std::string& driving_path,
                             const std::string& motion_path);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_RECORD_MOTION_H_
