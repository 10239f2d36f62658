// LPIPS as the evaluation's config asks for it.
#ifndef PIPELINES_EVALUATION_LPIPS_METRIC_H_
#define PIPELINES_EVALUATION_LPIPS_METRIC_H_

#include "absl/status/statusor.h"
#include "networks/lpips.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// With its weights loaded, on the CPU; an empty holder if `config` does not ask
// for it. The errors of LoadPublishedWeights.
absl::StatusOr<networks::Lpips> MakeLpips(const EvaluationConfig& config);

// Measures it by `network`. Files of weights that `config` names stay where
// they are of this network.
void ChooseLpips(LpipsConfig::Network network, EvaluationConfig* config);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_LPIPS_METRIC_H_
