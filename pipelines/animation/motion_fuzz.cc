// libFuzzer target of motion files. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/animation:motion_fuzz
//   bazel-bin/pipelines/animation/motion_fuzz FOLDER
//       pipelines/animation/testdata/fuzz_motion
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pipelines/animation/motion_file.h"

namespace pipelines {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// The promises of ReadMotionFile.
void Check(const RecordedMotion& motion) {
  constexpr float kLargest = 100;
  const int64_t frames = motion.num_frames();
  Require(frames > 0 && motion.num_sets > 0 && motion.keypoints_per_set > 0);
  Require(static_cast<int64_t>(motion.durations.size()) == frames);
  Require(static_cast<int64_t>(motion.keypoints.size()) ==
          frames * motion.frame_values());
  for (const float value : motion.keypoints) {
    Require(std::abs(value) <= kLargest);
  }
  for (size_t i = 0; i < motion.times.size(); ++i) {
    Require(i == 0 || motion.times[i] > motion.times[i - 1]);
    Require(motion.durations[i] >= 0);
  }
}

}  // namespace
}  // namespace pipelines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto motion = pipelines::ParseMotionFile(bytes, "fuzz");
  if (motion.ok()) pipelines::Check(*motion);
  return 0;
}
