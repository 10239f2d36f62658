#include "pipelines/optimizer/weight_average.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

WeightAverage::WeightAverage(const torch::nn::Module& module, double decay)
    : decay_(decay) {
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    slots_.push_back({item.key(), item.value(), item.value().detach().clone()});
  }
}

// The average of [MeanTeacher] Sec. 2; its ramp is that of TensorFlow's
// ExponentialMovingAverage.
void WeightAverage::Update(int64_t step) {
  const torch::NoGradGuard no_grad;
  const double n = static_cast<double>(step);
  const double decay = std::min(decay_, n / (n + 9));
  for (Slot& slot : slots_) slot.average.lerp_(slot.parameter, 1 - decay);
}

std::map<std::string, torch::Tensor> WeightAverage::State() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) state[slot.name] = slot.average;
  return state;
}

absl::Status WeightAverage::CheckState(
    const std::map<std::string, torch::Tensor>& state) const {
  for (const Slot& slot : slots_) {
    const auto found = state.find(slot.name);
    if (found == state.end() || found->second.sizes() != slot.average.sizes()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the averaged weight of ", slot.name,
                       " is missing or of another shape than the parameter"));
    }
  }
  if (state.size() == slots_.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      state.size() - slots_.size(),
      " averaged weights are of parameters that this model does not train"));
}

absl::Status WeightAverage::SetState(
    const std::map<std::string, torch::Tensor>& state) {
  RETURN_IF_ERROR(CheckState(state));
  for (Slot& slot : slots_) slot.average.copy_(state.at(slot.name));
  return absl::OkStatus();
}

WeightAverage::Scope::Scope(WeightAverage* average) : average_(average) {
  if (average_ == nullptr) return;
  const torch::NoGradGuard no_grad;
  for (Slot& slot : average_->slots_) {
    own_.push_back(slot.parameter.clone());
    slot.parameter.copy_(slot.average);
  }
}

WeightAverage::Scope::~Scope() {
  if (average_ == nullptr) return;
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < own_.size(); ++i) {
    average_->slots_[i].parameter.copy_(own_[i]);
  }
}

}  // namespace pipelines
