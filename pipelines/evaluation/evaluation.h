// The whole evaluation of a model on a test split: scores, the frames
// themselves, pictures of failures, and a cross-identity sheet.
#ifndef PIPELINES_EVALUATION_EVALUATION_H_
#define PIPELINES_EVALUATION_EVALUATION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/dataset.h"
#include "pipelines/evaluation/failure_pictures.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/evaluation/reconstruction.pb.h"

namespace pipelines {

struct EvaluationOutputs {
  // Folder for pictures, as many as the config says; none if empty.
  std::string pictures;
  // Folder for the frames, see FrameWriter; none if empty.
  std::string frames;
};

// Paths of pictures begin with EvaluationOutputs::pictures.
struct Evaluation {
  EvaluationResult result;
  // Without the checkpoint's path and digest, and the command, of which only
  // the caller knows.
  EvaluationSetting setting;
  std::vector<EvaluationPicture> failures;
  std::vector<EvaluationPicture> sheets;
};

// Evaluates `trained` on `test` as trained.config.evaluation() says. The errors
// of EvaluateReconstruction and MakeLpips, and of writing the outputs.
absl::StatusOr<Evaluation> Evaluate(const TrainedModel& trained,
                                    torch::Device device, data::Dataset& test,
                                    const EvaluationOutputs& outputs,
                                    const WorkHooks& hooks = {});

// Writes evaluation.txt and evaluation.json into `folder`.
absl::Status WriteScores(const std::string& folder,
                         const Evaluation& evaluation);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_EVALUATION_H_
