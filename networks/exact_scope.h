// All digits for what says where a pixel comes from, also where the process or
// a caller chose faster numbers for everything else.
#ifndef NETWORKS_EXACT_SCOPE_H_
#define NETWORKS_EXACT_SCOPE_H_

#include <c10/core/Device.h>
#include <torch/types.h>

namespace networks {

// While it lives, matrix products and convolutions on `device` are exact:
// neither by autocast nor in TF32, which is the process's choice. Whatever
// computes coordinates by products opens one: bfloat16 tells 256 coordinates of
// an image apart, and TF32 would move a fit by a quarter of a pixel.
class ExactScope {
 public:
  explicit ExactScope(c10::Device device);
  ~ExactScope();
  ExactScope(const ExactScope&) = delete;
  ExactScope& operator=(const ExactScope&) = delete;

 private:
  c10::Device device_;
  bool autocast_;
  bool tf32_in_products_;
  bool tf32_in_convolutions_;
};

// What a network may have computed in bfloat16 or float16, for what needs all
// digits: float32 then, otherwise `x` itself.
torch::Tensor WithAllDigits(const torch::Tensor& x);

}  // namespace networks

#endif  // NETWORKS_EXACT_SCOPE_H_
