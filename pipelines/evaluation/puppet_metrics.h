// How well a motion model follows a puppet's true motion.
//
// A model gives, for each driving pixel, a place in the source
// (source_from_driving, [-1, 1] align_corners); the ground truth is in
// pipelines/puppets/truth.h. Two questions are asked of it:
//
//   flow: how far is that place from the true one, on average over the pixels
//         whose origin is visible in the source;
//   joints: read at the driving frame's joints, how far does it land from the
//         source's joints. Only joints visible in both frames count.
//
// Distances are in the unit of the coordinates, where a frame is 2 wide.
#ifndef PIPELINES_EVALUATION_PUPPET_METRICS_H_
#define PIPELINES_EVALUATION_PUPPET_METRICS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/puppets/truth.h"

namespace pipelines {

// Sums, so that clips can be added up before the division.
struct PuppetMetrics {
  double joint_error_sum = 0;  // distances of transferred joints
  int64_t joints = 0;          // joints visible in both frames
  int64_t correct_joints = 0;  // of these, within the PCK radius
  double flow_error_sum = 0;   // end-point errors of all valid pixels
  int64_t flow_pixels = 0;
  double puppet_error_sum = 0;  // of those on the puppet, not the background
  int64_t puppet_pixels = 0;

  PuppetMetrics& operator+=(const PuppetMetrics& other);

  // Means; 0 where nothing was counted.
  double JointTransferError() const;
  double Pck() const;  // share of correct joints, [0, 1]
  double FlowEndPointError() const;
  double PuppetFlowEndPointError() const;  // on the puppet only
};

// `flow`: the model's source_from_driving for the pair, CV_32FC2 [h, w]. Any
// size: it is read bilinearly, as the network's own coarse motion is when it
// warps a picture. Compared at its own pixels, or at 64 x 64 if it has fewer.
// A joint is correct within `pck_radius`.
//
// InvalidArgument if `flow` has another type or no pixel, or a frame is out of
// range. Not-a-number in the flow is an InvalidArgument too, naming the pixel.
absl::StatusOr<PuppetMetrics> MeasurePuppetMotion(const puppets::Truth& truth,
                                                  int source, int driving,
                                                  const cv::Mat& flow,
                                                  double pck_radius = 0.1);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_PUPPET_METRICS_H_
