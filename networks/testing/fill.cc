#include "networks/testing/fill.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace networks::test_util {
namespace {

// u(name, .) in float64, which holds every value, and every rule's arithmetic
// up to the one rounding at the end.
torch::Tensor Uniform(absl::string_view name, torch::IntArrayRef shape) {
  torch::Tensor values = torch::empty(shape, torch::kFloat64);
  const uint64_t seed = Fnv1a64(name);
  double* const data = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    data[i] = static_cast<double>(SplitMix64(seed + i) >> 40) / (1 << 24);
  }
  return values;
}

torch::Tensor Signed(absl::string_view name, torch::IntArrayRef shape) {
  return 2 * Uniform(name, shape) - 1;
}

bool KeepsItsOwnValue(const std::string& key) {
  return key == "mean" || key == "std" || key == "down.weight" ||
         absl::EndsWith(key, ".down.weight") || absl::StartsWith(key, "downs.");
}

// Variance 1 / fan-in for uniform weights, with the fan-in of a convolution.
double WeightScale(const std::string& key, torch::IntArrayRef shape) {
  const double fan_in = c10::multiply_integers(shape.slice(1));
  return std::sqrt(3 / fan_in) * (key == "bg_encoder.fc.weight" ? 0.1 : 1);
}

torch::Tensor IdentityAffine() {
  return torch::tensor({1., 0., 0., 0., 1., 0.}, torch::kFloat64);
}

}  // namespace

uint64_t Fnv1a64(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

uint64_t SplitMix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

torch::Tensor FillUniform(absl::string_view name, torch::IntArrayRef shape) {
  return Uniform(name, shape).to(torch::kFloat32);
}

torch::Tensor FillSigned(absl::string_view name, torch::IntArrayRef shape) {
  return Signed(name, shape).to(torch::kFloat32);
}

torch::Tensor FillValue(absl::string_view prefix, const std::string& key,
                        torch::IntArrayRef shape) {
  const std::string name = absl::StrCat(prefix, key);
  const std::string last = key.substr(key.rfind('.') + 1);
  const auto u = [&] { return Uniform(name, shape); };
  const auto s = [&] { return Signed(name, shape); };
  torch::Tensor value;
  // The golden rule table, by number. The first rule that matches wins.
  if (last == "num_batches_tracked") {  // 1
    return torch::zeros(shape, torch::kInt64);
  } else if (KeepsItsOwnValue(key)) {  // 2
    return torch::Tensor();
  } else if (last == "running_mean") {  // 3
    value = 0.1 * s();
  } else if (last == "running_var") {  // 4
    value = 1 + 0.5 * u();
  } else if (last == "positional_encoding_gaussian_matrix") {  // 5
    value = std::sqrt(3.) * s();
  } else if (key == "bg_encoder.fc.bias") {  // 6
    value = IdentityAffine() + 0.05 * s();
  } else if ((last == "weight" || last == "gamma") && shape.size() == 1) {  // 7
    value = 1 + 0.1 * s();
  } else if (last == "bias" && shape.size() == 1) {  // 8
    value = 0.05 * s();
  } else if (last == "weight" && shape.size() >= 2) {  // 9
    value = WeightScale(key, shape) * s();
  } else if (last == "pos_embed" || last == "cls_token" ||
             last == "register_tokens" || last == "rel_pos_h" ||
             last == "rel_pos_w") {  // 10
    value = 0.05 * s();
  } else if (last == "attention_biases") {  // 11
    value = s();
  } else {
    TORCH_CHECK(false, "no rule fills ", name, " of shape ", shape);
  }
  return value.to(torch::kFloat32);
}

void FillModule(absl::string_view prefix, torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  const auto fill = [prefix](const auto& named) {
    const torch::Tensor value =
        FillValue(prefix, named.key(), named.value().sizes());
    if (value.defined()) named.value().copy_(value);
  };
  for (const auto& parameter : module.named_parameters()) fill(parameter);
  for (const auto& buffer : module.named_buffers()) fill(buffer);
}

}  // namespace networks::test_util
