#include "pipelines/training/widen.h"

#include <torch/types.h>

#include <cstdint>

#include "absl/strings/match.h"

namespace pipelines {
namespace {

using networks::weights::TensorMap;
using torch::Tensor;

constexpr char kDenseMotion[] = "dense_motion_network.";
constexpr char kMapsWeight[] = "dense_motion_network.maps.weight";
constexpr char kMapsBias[] = "dense_motion_network.maps.bias";
constexpr char kKeypoints[] = "kp_detector.fg_encoder.fc.bias";
constexpr double kFirstLogit = -8;

// The named tensor's size in dimension 0; 0 without it.
int64_t Rows(const TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  return found == tensors.end() || found->second.dim() == 0
             ? 0
             : found->second.size(0);
}

// Whether `narrow` is smaller than `wide` in dimensions 0 and 1 only.
bool CanBeWidened(const Tensor& narrow, const Tensor& wide) {
  if (narrow.dim() != wide.dim() || narrow.dim() == 0) return false;
  for (int64_t i = 0; i < narrow.dim(); ++i) {
    const bool may_grow = i < 2 && narrow.size(i) < wide.size(i);
    if (narrow.size(i) != wide.size(i) && !may_grow) return false;
  }
  return !narrow.sizes().equals(wide.sizes());
}

Tensor Widened(const std::string& name, const Tensor& narrow,
               const Tensor& wide) {
  Tensor result = wide.detach().to(torch::kFloat32).clone();
  if (name == kMapsWeight) result.zero_();
  if (name == kMapsBias) result.fill_(kFirstLogit);
  Tensor known = result.slice(0, 0, narrow.size(0));
  if (narrow.dim() > 1) {
    result.slice(1, narrow.size(1)).zero_();
    known = known.slice(1, 0, narrow.size(1));
  }
  known.copy_(narrow);
  return result;
}

}  // namespace

std::vector<std::string> WidenForGlobalTransform(const TensorMap& model,
                                                 TensorMap* weights) {
  const int64_t maps = Rows(*weights, kMapsWeight);
  if (maps == 0 || maps + 1 != Rows(model, kMapsWeight) ||
      Rows(*weights, kKeypoints) != Rows(model, kKeypoints)) {
    return {};
  }
  std::vector<std::string> widened;
  for (auto& [name, tensor] : *weights) {
    const auto wide = model.find(name);
    if (!absl::StartsWith(name, kDenseMotion) || wide == model.end() ||
        !CanBeWidened(tensor, wide->second)) {
      continue;
    }
    tensor = Widened(name, tensor, wide->second);
    widened.push_back(name);
  }
  return widened;
}

}  // namespace pipelines
