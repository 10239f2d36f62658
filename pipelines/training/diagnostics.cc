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
      // The column's name is as in the tables of runs that began with it.
      {"parts_in_use", "Transforms in use", false,
       [](const StepOutput& out) { return out.transforms_in_use; }},
  };
  return *kAll;
}

}  // namespace pipelines
