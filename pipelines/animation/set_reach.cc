#include "pipelines/animation/set_reach.h"

#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <vector>

namespace pipelines {

torch::Tensor ReachOfSets(AnimationModel& model, const PreparedSource& source,
                          int num_sets) {
  constexpr double kStep = 0.1;  // keypoints are in [-1, 1]
  const c10::InferenceMode inference;
  const torch::Tensor& rest = source.keypoints;  // [1, P, 2]
  TORCH_CHECK(rest.size(0) == 1 && rest.size(1) % num_sets == 0,
              "ReachOfSets: ", num_sets, " sets of the keypoints ",
              rest.sizes());
  const int64_t per_set = rest.size(1) / num_sets;
  const torch::Tensor field =
      model.Move(source, rest).blend.source_from_driving;
  const torch::Tensor steps =
      torch::tensor({{-kStep, 0.0}, {kStep, 0.0}, {0.0, -kStep}, {0.0, kStep}},
                    torch::kFloat64)
          .to(rest.options())
          .unsqueeze(1);  // [4, 1, 2]
  std::vector<torch::Tensor> reach;
  for (int64_t k = 0; k < num_sets; ++k) {
    torch::Tensor moved = rest.repeat({steps.size(0), 1, 1});
    moved.slice(1, k * per_set, (k + 1) * per_set) += steps;
    const torch::Tensor difference =
        model.Move(source, moved).blend.source_from_driving - field;
    reach.push_back(difference.square().sum(-1).sqrt().mean(0) / kStep);
  }
  return torch::stack(reach);
}

}  // namespace pipelines
