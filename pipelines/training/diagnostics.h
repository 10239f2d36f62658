// What each training step measures beside its losses. One more is one line of
// the table in diagnostics.cc: losses.csv, TensorBoard and the pages of runs
// and studies show it by its name.
#ifndef PIPELINES_TRAINING_DIAGNOSTICS_H_
#define PIPELINES_TRAINING_DIAGNOSTICS_H_

#include <torch/types.h>

#include <vector>

#include "pipelines/training/objective.h"

namespace pipelines {

struct Diagnostic {
  // The column of losses.csv.
  const char* name;
  // The title of its plot on pages; null for none.
  const char* plot_title;
  bool log_y;  // of the plot
  // A scalar of any dtype and device, the mean over the batch; called after the
  // backward pass.
  torch::Tensor (*measure)(const StepOutput& output);
};

// In the order of their columns.
const std::vector<Diagnostic>& Diagnostics();

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_DIAGNOSTICS_H_
