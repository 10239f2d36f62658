// libFuzzer target of motion files. Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/animation:motion_fuzz
//   bazel-bin/pipelines/animation/motion_fuzz FOLDER
//       pipelines/animation/testdata/fuzz_motion
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
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

void Write(const RecordedMotion& motion, const std::string& path) {
  RecordedMotion without_frames = motion;
  without_frames.keypoints.clear();
  without_frames.times.clear();
  without_frames.durations.clear();
  auto writer = MotionFileWriter::Create(path, without_frames);
  Require(writer.ok());
  for (int64_t i = 0; i < motion.num_frames(); ++i) {
    writer->Add(motion.keypoints.data() + i * motion.frame_values(),
                motion.times[i], motion.durations[i]);
  }
  Require(writer->Finish().ok());
}

// What was read can be written, and is read again as it was.
void CheckRoundTrip(const RecordedMotion& motion) {
  static const std::string path =
      absl::StrCat("/dev/shm/motion_fuzz.", getpid());
  Write(motion, path);
  Require(IsMotionFile(path));
  const auto again = ReadMotionFile(path);
  unlink(path.c_str());
  Require(again.ok());
  Require(again->num_sets == motion.num_sets &&
          again->keypoints_per_set == motion.keypoints_per_set);
  Require(again->keypoints == motion.keypoints);
  Require(again->times == motion.times);
  Require(again->durations == motion.durations);
  Require(again->frame_rate == motion.frame_rate &&
          again->time_base == motion.time_base);
  Require(again->picture_size == motion.picture_size ||
          motion.picture_size.empty());
  Require(again->detector == motion.detector);
}

}  // namespace
}  // namespace pipelines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto motion = pipelines::ParseMotionFile(bytes, "fuzz");
  if (!motion.ok()) return 0;
  pipelines::Check(*motion);
  pipelines::CheckRoundTrip(*motion);
  return 0;
}
