#include "pipelines/optimizer/adam.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace pipelines {
namespace {

// Elements that all operators of an update pass one after another, so that they
// stay in the cache meanwhile: on the CPU an update reads and writes memory and
// hardly computes. LibTorch gives as many to one thread, so that a chunk has
// the bits of the whole.
constexpr int64_t kChunk = 32768;

bool IsSplit(const std::vector<torch::Tensor>& tensors) {
  return std::all_of(
      tensors.begin(), tensors.end(), [](const torch::Tensor& x) {
        return x.device().is_cpu() && x.is_contiguous() && x.numel() > kChunk;
      });
}

}  // namespace

Adam::Adam(const torch::nn::Module& module, const AdamOptions& options)
    : options_(options) {
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) {
      slots_.push_back({item.key(), item.value(), {}, {}, 0, 1});
    }
  }
}

void Adam::ZeroGrad() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

void Adam::SetRateScale(absl::string_view module, double scale) {
  const std::string prefix = absl::StrCat(module, ".");
  for (Slot& slot : slots_) {
    if (absl::StartsWith(slot.name, prefix)) slot.rate_scale = scale;
  }
}

void Adam::Step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    if (!slot.parameter.grad().defined()) continue;
    // A scale of 1 changes no bit.
    Update(&slot, learning_rate * slot.rate_scale);
  }
}

void Adam::Update(Slot* slot, double learning_rate) const {
  if (!slot->exp_avg.defined()) {
    slot->exp_avg = torch::zeros_like(slot->parameter);
    slot->exp_avg_sq = torch::zeros_like(slot->parameter);
  }
  ++slot->step;
  std::vector<torch::Tensor> tensors = {slot->parameter, slot->parameter.grad(),
                                        slot->exp_avg, slot->exp_avg_sq};
  const auto update = [&](const std::vector<torch::Tensor>& x) {
    UpdateValues(x[0], x[1], x[2], x[3], slot->step, learning_rate);
  };
  if (!IsSplit(tensors)) return update(tensors);
  for (torch::Tensor& x : tensors) x = x.view({-1});
  const int64_t size = tensors[0].numel();
  at::parallel_for(
      0, (size + kChunk - 1) / kChunk, 1, [&](int64_t begin, int64_t end) {
        const torch::NoGradGuard no_grad;  // one for each thread
        for (int64_t i = begin; i < end; ++i) {
          std::vector<torch::Tensor> chunk;
          for (const torch::Tensor& x : tensors) {
            chunk.push_back(
                x.slice(0, i * kChunk, std::min((i + 1) * kChunk, size)));
          }
          update(chunk);
        }
      });
}

void Adam::UpdateValues(torch::Tensor parameter, torch::Tensor gradient,
                        torch::Tensor exp_avg, torch::Tensor exp_avg_sq,
                        int64_t step, double learning_rate) const {
  if (options_.weight_decay != 0) {
    gradient = gradient.add(parameter, options_.weight_decay);
  }
  const double beta1 = options_.beta1;
  const double beta2 = options_.beta2;
  exp_avg.mul_(beta1).add_(gradient, 1 - beta1);
  exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
  const double bias1 = 1 - std::pow(beta1, step);
  const double bias2 = 1 - std::pow(beta2, step);
  const torch::Tensor denominator =
      exp_avg_sq.sqrt().div_(std::sqrt(bias2)).add_(options_.epsilon);
  parameter.addcdiv_(exp_avg, denominator, -learning_rate / bias1);
}

std::map<std::string, torch::Tensor> Adam::State() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) {
    if (slot.step == 0) continue;
    state[slot.name + ".exp_avg"] = slot.exp_avg;
    state[slot.name + ".exp_avg_sq"] = slot.exp_avg_sq;
    state[slot.name + ".step"] = torch::tensor(slot.step, torch::kInt64);
  }
  return state;
}

absl::Status Adam::SetState(const std::map<std::string, torch::Tensor>& state) {
  size_t used = 0;
  for (Slot& slot : slots_) {
    const auto step = state.find(slot.name + ".step");
    if (step == state.end()) {
      slot.step = 0;
      slot.exp_avg.reset();
      slot.exp_avg_sq.reset();
      continue;
    }
    const auto exp_avg = state.find(slot.name + ".exp_avg");
    const auto exp_avg_sq = state.find(slot.name + ".exp_avg_sq");
    for (const auto& found : {exp_avg, exp_avg_sq}) {
      if (found == state.end() ||
          found->second.sizes() != slot.parameter.sizes()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the optimizer state of ", slot.name,
                         " is missing or of another shape than the parameter"));
      }
    }
    slot.step = step->second.item<int64_t>();
    slot.exp_avg = exp_avg->second.to(slot.parameter.device()).clone();
    slot.exp_avg_sq = exp_avg_sq->second.to(slot.parameter.device()).clone();
    used += 3;
  }
  if (used == state.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the optimizer state has ", state.size() - used,
                   " tensors of parameters that this model does not have"));
}

torch::Tensor LargestGradient(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const torch::Tensor& parameter : module.parameters()) {
    if (parameter.grad().defined()) {
      // One pass, and no copy.
      const auto [least, most] = at::aminmax(parameter.grad());
      norms.push_back(torch::maximum(least.abs(), most.abs()));
    }
  }
  return norms.empty() ? torch::zeros({}) : torch::stack(norms).max();
}

void ClipGradients(const torch::nn::Module& module, double norm, double max) {
  // The original's small term keeps the quotient finite; see clip_grad_norm_.
  const double scale = max / (norm + 1e-6);
  if (scale >= 1) return;
  for (const torch::Tensor& parameter : module.parameters()) {
    if (parameter.grad().defined()) parameter.grad().mul_(scale);
  }
}

}  // namespace pipelines
