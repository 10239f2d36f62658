// Image registration: the flow, or the field that changes in time, that carries
// one image onto another.
//
// Looks for the field of theta that minimises
//
//   E(theta) = 64 mean over pixels |moving(T(x; theta)) - fixed(x)|^2
//              / (2 noise^2) + 1/2 theta^T Sigma^-1 theta
//
// (the mean over the stages of the latter, where there are several) with the
// smoothness prior of cpab/field/prior.h, by Gauss-Newton with
// Levenberg-Marquardt damping on the exact flow and its Jacobian; coarse to
// fine, both in the images (each level has twice the pixels along each side)
// and in the tessellation (cpab/field/refine.h). The original library descends
// the gradient of the same data term instead, on one level and without a prior.
//
// Coordinates: [0, 1] from the centre of the first pixel to that of the last.
// Source: the alignment of images in libcpab's demos; the damping: [LM].
#ifndef CPAB_IMAGE_IMAGE_REGISTRATION_H_
#define CPAB_IMAGE_IMAGE_REGISTRATION_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/batch/flow_chain.h"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/flow/flow.h"
#include "opencv2/core/mat.hpp"

namespace cpab {

struct RegistrationOptions {
  // Cells along each axis at the last levels; each a multiple of the one
  // before. Levels before these have the first one's. A 1 is left out where
  // there are others and both constraints, which leave 1x1 cells no field.
  std::vector<int> cells = {1, 2, 4, 8};
  bool zero_boundary = false;
  bool volume_preserving = false;
  // Stores bases sparsely, as those of more than 32 cells always are: time and
  // memory by the number of cells, not by its square. The prior is another one
  // then (cpab/field/sparse_prior.h).
  bool sparse_basis = false;
  // Flows that take unit time together, 1 to 16.
  int num_stages = 1;
  // Pixels along the longer side at the last level, at least 16; images are
  // reduced to that, and halved for each level before, down to 16.
  int largest_side = 128;
  // Standard deviation of differences in brightness, black to white being 1,
  // that are not due to motion; above 0.
  double noise = 0.1;
  PriorOptions prior;
  // Steps at each level, rejected ones included; at least 1.
  int max_iterations = 40;
  // A step that lowers E by less than this fraction of it is a level's last.
  double tolerance = 1e-4;
};

struct RegistrationResult {
  std::shared_ptr<const Basis> basis;  // Of the last level.
  int num_stages = 1;
  Eigen::VectorXd theta;  // [num_stages * d], stage by stage.
  // Root mean square difference in brightness at the last level, from 0 to 1.
  double rms_before = 0;
  double rms_after = 0;
  int iterations = 0;  // At all levels.
  bool converged = false;

  // Warp(moving, flow()) looks like the fixed image; see cpab/image/warp.h.
  // With one stage.
  Flow flow() const { return Flow(basis, theta); }
  // moving at chain()(x) looks like fixed at x. With any number of stages.
  FlowChain chain() const {
    return FlowChain(basis, theta.reshaped(basis->theta_size(), num_stages),
                     FlowChain::Time::kUnitTogether);
  }
};

// The images may differ in size; 8 or 16 bits or float in [0, 1], grey or with
// 3 or 4 channels, of which the mean of the first three counts. InvalidArgument
// if an image is empty, smaller than 2x2 or of another type, or if an option is
// out of range.
absl::StatusOr<RegistrationResult> Register(
    const cv::Mat& moving, const cv::Mat& fixed,
    const RegistrationOptions& options = {});

}  // namespace cpab

#endif  // CPAB_IMAGE_IMAGE_REGISTRATION_H_
