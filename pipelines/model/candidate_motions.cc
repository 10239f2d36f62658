// Tested by model_test.cc and predecessor_motion_test.cc.
#include "pipelines/model/candidate_motions.h"

#include <torch/types.h>

#include <utility>
#include <vector>

#include "networks/exact_scope.h"
#include "networks/sampling.h"
#include "pipelines/config/resolve.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::StatusOr<CandidateMotions> CandidateMotions::Create(ModelConfig config) {
  FillDefaults(&config);
  ASSIGN_OR_RETURN(std::shared_ptr<const MotionModel> local,
                   MakeMotionModel(config.local()));
  CandidateMotions motions(config, std::move(local));
  if (config.global_transform()) {
    ASSIGN_OR_RETURN(motions.global_, MakeMotionModel(config.global()));
  }
  return motions;
}

Candidates CandidateMotions::operator()(const torch::Tensor& source,
                                        const torch::Tensor& driving,
                                        const torch::Tensor& background,
                                        int64_t height, int64_t width) const {
  const networks::ExactScope exact(source.device());
  const int64_t batch = source.size(0);
  const int64_t k = num_transforms_;
  const torch::Tensor grid =
      networks::CoordinateGrid(height, width, source.options());
  const torch::Tensor to = through_fit_ ? source : source.detach();
  const torch::Tensor from = through_fit_ ? driving : driving.detach();

  std::vector<torch::Tensor> fields = {
      (background.defined() ? networks::AffineGrid(background, height, width)
                            : grid.expand({batch, -1, -1, -1}))
          .unsqueeze(1)};
  std::vector<torch::Tensor> residuals, iterations, exact_gradients;
  // `count` transformations a sample, each from its own keypoints.
  const auto infer = [&](const MotionModel& model, int64_t count) {
    const InferredMotion motion =
        model.Infer(from.reshape({batch * count, -1, 2}),
                    to.reshape({batch * count, -1, 2}), grid.view({-1, 2}));
    fields.push_back(motion.moved.reshape({batch, count, height, width, 2}));
    residuals.push_back(motion.residual.view({batch, count}));
    iterations.push_back(motion.iterations.view({batch, count}));
    if (through_fit_ && motion.exact_gradient.defined()) {
      exact_gradients.push_back(motion.exact_gradient);
    }
  };
  infer(*local_, k);
  if (global_ != nullptr) infer(*global_, 1);
  return {torch::cat(fields, 1),
          {torch::cat(residuals, 1), torch::cat(iterations, 1),
           std::move(exact_gradients)}};
}

}  // namespace pipelines
