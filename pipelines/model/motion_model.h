// Motion models: families of maps of the plane, one of which explains a set of
// keypoint pairs. CPAB is the paper's; the others are there to compare it with,
// all else being equal.
//
// Coordinates: x right, y down, [-1, 1] from the centre of the first to that of
// the last pixel.
#ifndef PIPELINES_MODEL_MOTION_MODEL_H_
#define PIPELINES_MODEL_MOTION_MODEL_H_

#include <torch/types.h>

#include <memory>

#include "absl/status/statusor.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// What carries the keypoints of N problems, and how well.
struct InferredMotion {
  torch::Tensor moved;       // [N, P, 2], T(points)
  torch::Tensor residual;    // [N], sqrt(sum_k |to_k - T(from_k)|^2)
  torch::Tensor iterations;  // [N] int64; 0 for closed forms
  // [N] bool, written by the backward pass: whether the gradient is that of the
  // fit's minimum (cpab::KeypointFit::exact_gradient), on any device. Undefined
  // for closed forms, whose gradient always is, and where `moved` has none.
  torch::Tensor exact_gradient = {};
};

// Each problem is solved by itself: its result is the same, to the bit, alone
// and in any batch. Immutable, safe to use from many threads.
class MotionModel {
 public:
  virtual ~MotionModel() = default;

  // Finds T with T(from) = to, as far as the family has one, and applies it.
  //
  // from, to: [N, K, 2], the keypoints of N problems.
  // points:   [P, 2], where to sample each T.
  //
  // `moved` is differentiable in the keypoints, unless MakeMotionModel says
  // otherwise; the rest has no gradient. T is the identity where from = to, up
  // to rounding, but for thin_plate_original. Keypoints that are not finite
  // give NaN, to their problem only.
  virtual InferredMotion Infer(const torch::Tensor& from,
                               const torch::Tensor& to,
                               const torch::Tensor& points) const = 0;
};

// The model that `config` chooses, with its options; CPAB where it chooses
// none. CPAB's Adam solver has no gradient. InvalidArgument for a tessellation
// that CPAB does not have.
absl::StatusOr<std::shared_ptr<const MotionModel>> MakeMotionModel(
    const MotionConfig& config);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_MOTION_MODEL_H_
