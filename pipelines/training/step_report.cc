#include "pipelines/training/step_report.h"

#include <c10/util/Exception.h>

#include <algorithm>

namespace pipelines {

void StepReport::Add(absl::string_view name, StepValueKind kind) {
  for (const StepValue& value : values_) {
    TORCH_CHECK(value.name != name, "StepReport: two values are named ",
                value.name);
  }
  values_.push_back({std::string(name), kind});
}

void StepReport::Set(absl::string_view name, double value) {
  values_[IndexOf(name)].value = value;
}

double StepReport::Get(absl::string_view name) const {
  return values_[IndexOf(name)].value;
}

void StepReport::SetAll(double value) {
  for (StepValue& one : values_) one.value = value;
}

void StepReport::operator+=(const StepReport& other) {
  TORCH_CHECK(values_.size() == other.values_.size(),
              "StepReport: a sum of reports with other names");
  for (size_t i = 0; i < values_.size(); ++i) {
    TORCH_CHECK(values_[i].name == other.values_[i].name,
                "StepReport: ", values_[i].name, " is added to ",
                other.values_[i].name);
    values_[i].value += other.values_[i].value;
  }
}

void StepReport::operator/=(double divisor) {
  for (StepValue& one : values_) one.value /= divisor;
}

size_t StepReport::IndexOf(absl::string_view name) const {
  const auto found = std::find_if(
      values_.begin(), values_.end(),
      [name](const StepValue& value) { return value.name == name; });
  TORCH_CHECK(found != values_.end(), "StepReport: no value is named ",
              std::string(name));
  return found - values_.begin();
}

}  // namespace pipelines
