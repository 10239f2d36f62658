#include "cpab/registration/volume_registration.h"

#include <algorithm>
#include <cmath>

#include "Eigen/LU"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/batch/basis_prior.h"
#include "cpab/registration/levenberg_marquardt.h"
#include "cpab/registration/registration_levels.h"
#include "cpab/registration/volume_objective.h"
#include "cpab/registration/volume_similarity.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

using Similarity = VolumeRegistrationOptions::Similarity;

// Voxels along the longest side at the first level: so few that a motion of an
// eighth of the volume is one of one voxel.
constexpr int kSmallestSide = 8;

absl::Status Validate(const VolumeRegistrationOptions& options) {
  if (options.boxes.empty()) {
    return absl::InvalidArgumentError("registration.boxes is empty");
  }
  if (options.window_radius < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("registration.window_radius is ", options.window_radius,
                     "; use at least 1"));
  }
  return CheckLevels(options, kSmallestSide);
}

absl::Status CheckVolume(const SampledVolume& volume, const char* name) {
  const auto& size = volume.size;
  if (*std::min_element(size.begin(), size.end()) < 2 ||
      static_cast<int64_t>(volume.values.size()) != volume.NumVoxels()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the ", name, " volume has ", size[0], "x", size[1], "x", size[2],
        " voxels and ", volume.values.size(),
        " values; use at least 2 along each axis, and a value for each"));
  }
  for (const float value : volume.values) {
    if (!std::isfinite(value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the ", name, " volume has a value that is not a finite number"));
    }
  }
  return absl::OkStatus();
}

// The field of `theta` at the vertices of another tessellation: the same one
// as nearly as that can have it.
Eigen::MatrixXd OnOtherBoxes(const std::shared_ptr<const VolumeBasis>& from,
                             const Eigen::MatrixXd& thetas,
                             const std::shared_ptr<const VolumeBasis>& to) {
  Eigen::MatrixXd result(to->theta_size(), thetas.cols());
  for (Eigen::Index i = 0; i < thetas.cols(); ++i) {
    const VolumeFlow flow(from, thetas.col(i));
    Eigen::Matrix3Xd velocities = to->vertices();
    for (Eigen::Index v = 0; v < velocities.cols(); ++v) {
      velocities.col(v) = flow.Velocity(to->vertices().col(v));
    }
    result.col(i) = to->ThetaFromVertices(velocities);
  }
  return result;
}

double Reported(Similarity similarity, double mismatch) {
  return similarity == Similarity::kSquaredDifferences ? std::sqrt(mismatch)
                                                       : mismatch;
}

void ReportJacobians(const SampledVolume& fixed,
                     const ParallelFor& parallel_for,
                     VolumeRegistrationResult* result) {
  const Eigen::Matrix3Xd points = VoxelCentres(fixed);
  const VolumeChain chain = result->chain();
  result->folded_share =
      FoldedShare(chain.Transform(points, parallel_for), fixed.size);
  Eigen::VectorXd log_det(points.cols());
  parallel_for(points.cols(), [&](int64_t n) {
    log_det[n] = chain.LogDetJacobian(points.col(n));
  });
  result->least_jacobian = std::exp(log_det.minCoeff());
}

// The levels' boxes. One box without velocity on its border has no field: then
// the coarsest level has the next number. Where all levels have one box the
// list keeps it, so that VolumeBasis::Create says what is wrong.
std::vector<int> UsableBoxes(const VolumeRegistrationOptions& options) {
  std::vector<int> boxes;
  for (const int count : options.boxes) {
    if (count != 1 || !options.zero_boundary) boxes.push_back(count);
  }
  if (boxes.empty()) boxes = {1};
  return boxes;
}

// What all levels share.
struct Registration {
  const SampledVolume& moving;
  const SampledVolume& fixed;
  const VolumeRegistrationOptions& options;
  const std::vector<int> boxes;  // Of the last levels.
  const ParallelFor& parallel_for;

  // One level: `halvings` before the last.
  absl::Status Run(int halvings, VolumeRegistrationResult* result) const {
    const int last = static_cast<int>(boxes.size()) - 1;
    const int count = boxes[std::max(0, last - halvings)];
    ASSIGN_OR_RETURN(
        std::shared_ptr<const VolumeBasis> basis,
        VolumeBasis::Create({count, count, count, options.zero_boundary,
                             options.volume_preserving, options.sparse_basis}));
    result->thetas =
        result->basis == nullptr
            ? Eigen::MatrixXd::Zero(basis->theta_size(), options.num_stages)
            : OnOtherBoxes(result->basis, result->thetas, basis);
    result->basis = basis;
    ASSIGN_OR_RETURN(const BasisPrior prior,
                     BasisPriorOf(*basis, options.prior));
    const int side = std::max(kSmallestSide, options.largest_side >> halvings);
    const SampledVolume from = Reduced(moving, side);
    const SampledVolume to = Reduced(fixed, side);
    const VolumeObjective objective(
        from, to,
        options.similarity == Similarity::kSquaredDifferences
            ? SquaredDifferences(to)
            : LocalCorrelation(from, to, options.window_radius),
        basis, prior, options.num_stages, options.noise, parallel_for);
    Eigen::VectorXd theta = result->thetas.reshaped();
    result->converged = MinimiseByLevenbergMarquardt(
        objective, options.max_iterations, options.tolerance, &theta,
        &result->iterations);
    result->thetas = theta.reshaped(basis->theta_size(), options.num_stages);
    if (halvings > 0) return absl::OkStatus();
    const Eigen::VectorXd zero = Eigen::VectorXd::Zero(theta.size());
    result->mismatch_before =
        Reported(options.similarity, objective.Mismatch(zero));
    result->mismatch_after =
        Reported(options.similarity, objective.Mismatch(theta));
    ReportJacobians(to, parallel_for, result);
    return absl::OkStatus();
  }
};

}  // namespace

double FoldedShare(const Eigen::Matrix3Xd& images,
                   const std::array<int64_t, 3>& size) {
  int64_t folded = 0, count = 0;
  const std::array<int64_t, 3> stride = {1, size[0], size[0] * size[1]};
  for (int64_t k = 0; k + 1 < size[2]; ++k) {
    for (int64_t j = 0; j + 1 < size[1]; ++j) {
      for (int64_t i = 0; i + 1 < size[0]; ++i) {
        const int64_t n = i + stride[1] * j + stride[2] * k;
        Eigen::Matrix3d edges;
        for (int a = 0; a < 3; ++a) {
          edges.col(a) = images.col(n + stride[a]) - images.col(n);
        }
        folded += !(edges.determinant() > 0);
        ++count;
      }
    }
  }
  return count == 0 ? 0
                    : static_cast<double>(folded) / static_cast<double>(count);
}

absl::StatusOr<VolumeRegistrationResult> RegisterVolumes(
    const SampledVolume& moving, const SampledVolume& fixed,
    const VolumeRegistrationOptions& options, const ParallelFor& parallel_for) {
  RETURN_IF_ERROR(Validate(options));
  RETURN_IF_ERROR(CheckVolume(moving, "moving"));
  RETURN_IF_ERROR(CheckVolume(fixed, "fixed"));
  const Registration registration = {moving, fixed, options,
                                     UsableBoxes(options), parallel_for};
  const int num_levels =
      std::max(static_cast<int>(registration.boxes.size()),
               NumHalvings(options.largest_side, kSmallestSide) + 1);
  VolumeRegistrationResult result;
  for (int level = 0; level < num_levels; ++level) {
    RETURN_IF_ERROR(registration.Run(num_levels - 1 - level, &result));
  }
  return result;
}

}  // namespace cpab
