#include "pipelines/candidate_motions.h"

#include <torch/torch.h>

#include <utility>
#include <vector>

#include "keypoints/coordinates.h"
#include "networks/sampling.h"
#include "pipelines/model_options.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using keypoints::CentredFromUnit;
using keypoints::UnitFromCentred;

}  // namespace

absl::StatusOr<CandidateMotions::Motion> CandidateMotions::MakeMotion(
    const CpabConfig& config) {
  ASSIGN_OR_RETURN(cpab::Transform transform,
                   cpab::Transform::Create(TessellationOptionsOf(config)));
  ASSIGN_OR_RETURN(
      cpab::KeypointFitter fitter,
      cpab::KeypointFitter::Create(transform.basis(), FitOptionsOf(config)));
  return Motion{std::move(transform), std::move(fitter),
                config.gradient() == CpabConfig::IMPLICIT
                    ? cpab::ThetaGradient::kImplicit
                    : cpab::ThetaGradient::kDetached};
}

absl::StatusOr<CandidateMotions> CandidateMotions::Create(
    const ModelConfig& config) {
  ASSIGN_OR_RETURN(Motion local, MakeMotion(config.local_cpab()));
  CandidateMotions motions(config.num_transforms(), std::move(local));
  if (config.global_transform()) {
    ASSIGN_OR_RETURN(motions.global_, MakeMotion(config.global_cpab()));
  }
  return motions;
}

CandidateMotions::Fields CandidateMotions::Infer(const Motion& motion,
                                                 const torch::Tensor& source,
                                                 const torch::Tensor& driving,
                                                 int64_t height,
                                                 int64_t width) {
  const cpab::KeypointFit fit =
      cpab::FitKeypoints(motion.fitter, UnitFromCentred(driving),
                         UnitFromCentred(source), motion.gradient);
  const torch::Tensor grid =
      networks::CoordinateGrid(height, width, source.options()).view({-1, 2});
  const torch::Tensor moved =
      motion.transform.Apply(fit.theta, UnitFromCentred(grid));
  return {CentredFromUnit(moved).view({-1, height, width, 2}), 2 * fit.residual,
          fit.iterations};
}

Candidates CandidateMotions::operator()(const torch::Tensor& source,
                                        const torch::Tensor& driving,
                                        const torch::Tensor& background,
                                        int64_t height, int64_t width) const {
  const int64_t batch = source.size(0);
  const int64_t k = num_transforms_;
  const torch::Tensor background_field =
      background.defined()
          ? networks::AffineGrid(background, height, width)
          : networks::CoordinateGrid(height, width, source.options())
                .expand({batch, height, width, 2});

  // Every group of keypoints is a problem of its own.
  const Fields local =
      Infer(local_, source.reshape({batch * k, -1, 2}),
            driving.reshape({batch * k, -1, 2}), height, width);
  std::vector<torch::Tensor> fields = {
      background_field.unsqueeze(1),
      local.grids.view({batch, k, height, width, 2})};
  std::vector<torch::Tensor> residuals = {local.residual.view({batch, k})};
  std::vector<torch::Tensor> iterations = {local.iterations.view({batch, k})};
  if (global_) {
    const Fields global = Infer(*global_, source, driving, height, width);
    fields.push_back(global.grids.unsqueeze(1));
    residuals.push_back(global.residual.unsqueeze(1));
    iterations.push_back(global.iterations.unsqueeze(1));
  }
  return {torch::cat(fields, 1),
          {torch::cat(residuals, 1), torch::cat(iterations, 1)}};
}

}  // namespace pipelines
