// Prepared forms of a parameter, made on first use.
#ifndef NETWORKS_CPU_WEIGHT_CACHE_H_
#define NETWORKS_CPU_WEIGHT_CACHE_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <mutex>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// Keeps a Prepared(kernels, weight), and makes it anew after the parameter
// changed (an optimizer's step, loaded weights). Thread-safe. Only where
// kKernels() is not null.
template <typename Prepared, auto kKernels = &BestKernels>
class WeightCache {
 public:
  std::shared_ptr<const Prepared> Get(const torch::Tensor& weight) {
    // Tensors made in inference mode do not count their changes, but nor can
    // they be trained.
    const uint32_t version = weight.is_inference() ? 0 : weight._version();
    std::lock_guard<std::mutex> lock(mutex_);
    if (prepared_ == nullptr || data_ != weight.data_ptr() ||
        version_ != version) {
      prepared_ = std::make_shared<Prepared>(*kKernels(), weight);
      data_ = weight.data_ptr();
      version_ = version;
    }
    return prepared_;
  }

 private:
  std::mutex mutex_;
  const void* data_ = nullptr;
  uint32_t version_ = 0;
  std::shared_ptr<const Prepared> prepared_;
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WEIGHT_CACHE_H_
