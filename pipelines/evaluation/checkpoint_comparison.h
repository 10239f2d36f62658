// Several checkpoints beside each other, by their evaluations.
#ifndef PIPELINES_EVALUATION_CHECKPOINT_COMPARISON_H_
#define PIPELINES_EVALUATION_CHECKPOINT_COMPARISON_H_

#include <string>
#include <vector>

#include "pipelines/evaluation/evaluation.h"
#include "pipelines/report/score_table.h"

namespace pipelines {

// An evaluation and the name of its checkpoint in the table.
struct NamedEvaluation {
  std::string name;
  Evaluation evaluation;
};

// A line for each checkpoint with its training steps, motion model and size,
// and its means; below, the first frame's means, once for each size, set of
// clips and network of LPIPS.
ScoreTable ComparisonTable(const std::vector<NamedEvaluation>& evaluations);

// What differs between evaluations: the size of their frames, the clips, which
// frames of them, the network of LPIPS.
enum class EvaluationDifference { kSizes, kClips, kFrames, kLpips };

struct ComparisonWarning {
  EvaluationDifference difference;
  std::string sentence;
};

// Why the scores cannot be compared; at most one for each difference.
std::vector<ComparisonWarning> ComparisonWarnings(
    const std::vector<NamedEvaluation>& evaluations);

// ComparisonProto as JSON.
std::string ComparisonJson(const std::vector<NamedEvaluation>& evaluations);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_CHECKPOINT_COMPARISON_H_
