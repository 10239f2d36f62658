#include "pipelines/model/cpab_motion.h"

#include <utility>

#include "keypoints/coordinates.h"
#include "pipelines/model/model_options.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

using keypoints::CentredFromUnit;
using keypoints::UnitFromCentred;

CpabMotion::CpabMotion(cpab::Transform transform, cpab::KeypointFitter fitter)
    : transform_(std::move(transform)), fitter_(std::move(fitter)) {}

absl::StatusOr<std::shared_ptr<const MotionModel>> CpabMotion::Create(
    const CpabConfig& config) {
  ASSIGN_OR_RETURN(cpab::Transform transform,
                   cpab::Transform::Create(TessellationOptionsOf(config)));
  ASSIGN_OR_RETURN(
      cpab::KeypointFitter fitter,
      cpab::KeypointFitter::Create(transform.basis(), FitOptionsOf(config)));
  return std::shared_ptr<const MotionModel>(
      new CpabMotion(std::move(transform), std::move(fitter)));
}

InferredMotion CpabMotion::Infer(const torch::Tensor& from,
                                 const torch::Tensor& to,
                                 const torch::Tensor& points) const {
  const bool has_gradient =
      fitter_.options().solver == cpab::FitOptions::Solver::kGaussNewton;
  const cpab::KeypointFit fit =
      cpab::FitKeypoints(fitter_, UnitFromCentred(from), UnitFromCentred(to),
                         has_gradient ? cpab::ThetaGradient::kImplicit
                                      : cpab::ThetaGradient::kDetached);
  // A side of the unit square is 2 long in [-1, 1].
  return {CentredFromUnit(transform_.Apply(fit.theta, UnitFromCentred(points))),
          2 * fit.residual, fit.iterations, fit.exact_gradient};
}

}  // namespace pipelines
