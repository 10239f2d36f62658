// Motion files: what drives a source, frame by frame, without the pictures that
// it was found in. Free of LibTorch.
//
// A motion file is a safetensors file (networks/weights/safetensors_header.h),
// which programs in many languages read and write. N frames, K keypoint sets of
// n keypoints each:
//
//   keypoints   F32 or F64 [N, K, n, 2]: (x, y) as the detector finds them, x
//               to the right, y down; -1 and 1 are the centres of the first and
//               the last pixel of what the model sees. They may leave [-1, 1].
//   times       I64 [N]: when each frame is shown, in units of `time_base`,
//               rising strictly. Without it, frame i is shown at i frame
//               periods.
//   durations   I64 [N]: for how long, in the same units. Without it, until the
//               next frame; the last one as long as the one before it.
//
// and, as metadata, strings:
//
//   format      "cpab-motion"
//   version     "1"
//   frame_rate  frames a second, "25/1": exact for a constant rate, else the
//               average. Without it 25.
//   time_base   seconds, "1/12800". Without it one frame period.
//   width, height   pixels of the pictures that they were found in, if known.
//   detector    the fingerprint (networks/weights/fingerprint.h) of the
//               detector that found them, 64 hexadecimal digits. Without it,
//               nobody can tell whether they mean the same places to another
//               model.
//
// Tensors and metadata of other names are passed over. There is no sound in it.
#ifndef PIPELINES_ANIMATION_MOTION_FILE_H_
#define PIPELINES_ANIMATION_MOTION_FILE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/files/atomic_file.h"
#include "networks/files/temporary.h"
#include "opencv2/core.hpp"
#include "pipelines/media/rational.h"

namespace pipelines {

struct RecordedMotion {
  int num_sets = 0;           // K
  int keypoints_per_set = 0;  // n

  // [N, K, n, 2], row by row.
  std::vector<float> keypoints;
  std::vector<int64_t> times, durations;  // [N]

  media::Rational frame_rate = {25, 1};
  media::Rational time_base = {1, 25};
  cv::Size picture_size;  // 0x0: unknown
  std::string detector;   // fingerprint; empty: unknown

  int64_t num_frames() const { return static_cast<int64_t>(times.size()); }
  // Numbers of `keypoints` that a frame has.
  int64_t frame_values() const {
    return int64_t{2} * num_sets * keypoints_per_set;
  }
};

// Whether `path` names a motion file, or what was to be one: its name ends in
// ".safetensors", or it begins like such a file.
bool IsMotionFile(const std::string& path);

// What the file holds, complete: with `times` and `durations` where it leaves
// them out. The errors of networks::files::ReadFile; InvalidArgument, naming
// the path and what would be right, for what is empty, cut short, no motion
// file, of a later version, without frames, or of shapes that do not agree; for
// keypoints that are not finite or beyond 100; for times that do not rise and
// durations below 0. `stop` is that of networks::files::ReadOptions.
absl::StatusOr<RecordedMotion> ReadMotionFile(
    const std::string& path, const std::function<bool()>& stop = {});

// The same for the content of a file; `name` stands in messages for the path.
absl::StatusOr<RecordedMotion> ParseMotionFile(const std::string& bytes,
                                               const std::string& name);

// Writes a motion file. Keeps all keypoints in memory, 400 bytes a frame of 10
// sets of 5. One thread at a time.
class MotionFileWriter {
 public:
  // `motion` states everything but the frames. The errors of
  // networks::files::AtomicFile::Create.
  static absl::StatusOr<MotionFileWriter> Create(
      const std::string& path, RecordedMotion motion,
      const networks::files::OutputOptions& options = {});

  // A frame: motion.frame_values() numbers, its time and duration.
  void Add(const float* keypoints, int64_t time, int64_t duration);

  // Gives the file its name; without it nothing appears. FailedPrecondition
  // where no frame was added.
  absl::Status Finish();

 private:
  MotionFileWriter(networks::files::AtomicFile file, RecordedMotion motion)
      : file_(std::move(file)), motion_(std::move(motion)) {}

  networks::files::AtomicFile file_;
  RecordedMotion motion_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_MOTION_FILE_H_
