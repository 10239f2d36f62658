#include "pipelines/training/diagnostics.h"

namespace pipelines {

const std::vector<Diagnostic>& Diagnostics() {
  static const auto* const kAll = new std::vector<Diagnostic>{
      {"fit_residual", "Keypoint fit: mean residual norm, [-1, 1] units", true,
       [](const StepOutput& out) {
         return out.motion.candidates.fit.residual.mean();
       }},
      {"fit_iterations", nullptr, false,
       [](const StepOutput& out) {
         return out.motion.candidates.fit.iterations.to(torch::kFloat64).mean();
       }},
      // 1 where no gradient goes through a fit.
      {"exact_gradient", "Keypoint fit: share of exact gradients", false,
       [](const StepOutput& out) {
         std::vector<torch::Tensor> exact;
         for (const auto& of_fits : out.motion.candidates.fit.exact_gradients) {
           exact.push_back(of_fits.to(torch::kFloat64));
         }
         return exact.empty() ? torch::ones({}, torch::kFloat64)
                              : torch::cat(exact).mean();
       }},
      {"transforms_in_use", "Transforms in use", false,
       [](const StepOutput& out) { return out.transforms_in_use; }},
  };
  return *kAll;
}

}  // namespace pipelines
