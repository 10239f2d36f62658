// The numbers of a training step, by name. losses.csv, TensorBoard, the
// progress bar and the pages take names, order and kinds from here. What there
// is: Learner::Layout.
#ifndef PIPELINES_TRAINING_STEP_REPORT_H_
#define PIPELINES_TRAINING_STEP_REPORT_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace pipelines {

enum class StepValueKind {
  kLoss,        // a weighted loss term, or the total of them all
  kOptimizer,   // the learning rate, a largest gradient
  kDiagnostic,  // what is measured beside the losses: diagnostics.h
};

struct StepValue {
  std::string name;
  StepValueKind kind;
  // NaN for a loss term that has not started.
  double value = std::numeric_limits<double>::quiet_NaN();
};

// The first value of every report: the sum of the terms.
inline constexpr char kTotalLoss[] = "total";

// All steps of a run have the same names in the same order. A name that is not
// there, or there already, is a bug in the caller: TORCH_CHECK.
class StepReport {
 public:
  // Adds a value that is not known yet, at the end.
  void Add(absl::string_view name, StepValueKind kind);

  void Set(absl::string_view name, double value);
  double Get(absl::string_view name) const;

  // Every value, known or not.
  void SetAll(double value);
  // Value by value: `other` has the same names.
  void operator+=(const StepReport& other);
  void operator/=(double divisor);

  const std::vector<StepValue>& values() const { return values_; }

 private:
  size_t IndexOf(absl::string_view name) const;

  std::vector<StepValue> values_;
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_STEP_REPORT_H_
