// How much of its motion each keypoint set shows, as a user says it.
#ifndef PIPELINES_ANIMATION_MOTION_SCALES_H_
#define PIPELINES_ANIMATION_MOTION_SCALES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/animation/set_names.h"

namespace pipelines {

// The largest scale; the least is 0.
constexpr double kLargestMotionScale = 2;

// One of the two is empty.
struct MotionScales {
  // One for all keypoint sets, or one for each in their order.
  std::vector<double> in_order;
  // For sets by number, from 1, or by name; 1 for the others.
  std::vector<std::pair<std::string, double>> by_set;
};

// "0.7", "1,0.5,0", "3=0,5=0.5", "head=0.5,left arm=0". InvalidArgument for
// anything else, and for scales out of range.
absl::StatusOr<MotionScales> ParseMotionScales(const std::string& text);

// As TransferOptions::motion_scale (keypoints/transfer.h) takes them, for a
// model of `num_sets`. InvalidArgument where in_order has another number of
// values, where a set has two scales, for a number that there is not, and for
// an unknown name, with those that exist.
absl::StatusOr<std::vector<double>> ResolveMotionScales(
    const MotionScales& scales, int num_sets, const SetNames& names);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_MOTION_SCALES_H_
