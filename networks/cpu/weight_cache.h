// Prepared forms of a parameter, made on first use.
#ifndef NETWORKS_CPU_WEIGHT_CACHE_H_
#define NETWORKS_CPU_WEIGHT_CACHE_H_

#include <c10/core/StorageImpl.h>
#include <c10/util/Exception.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// Which values a prepared form was made of. Tensors made in inference mode do
// not count their changes, but nor can they be trained.
class WeightIdentity {
 public:
  WeightIdentity() = default;
  explicit WeightIdentity(const torch::Tensor& weight)
      : storage_(weight.storage().getWeakStorageImpl()),
        data_(weight.data_ptr()),
        sizes_(weight.sizes().vec()),
        strides_(weight.strides().vec()),
        version_(VersionOf(weight)) {}

  // Whether `weight` is the same part of the same storage, unchanged.
  bool Is(const torch::Tensor& weight) const {
    return storage_._unsafe_get_target() ==
               weight.storage().unsafeGetStorageImpl() &&
           data_ == weight.data_ptr() && version_ == VersionOf(weight) &&
           weight.sizes() == sizes_ && weight.strides() == strides_;
  }

 private:
  static uint32_t VersionOf(const torch::Tensor& weight) {
    return weight.is_inference() ? 0 : weight._version();
  }

  // Does not keep the values in memory, but their StorageImpl, so that no
  // storage made later has its address.
  c10::weak_intrusive_ptr<c10::StorageImpl> storage_{
      c10::intrusive_ptr<c10::StorageImpl>()};
  const void* data_ = nullptr;
  std::vector<int64_t> sizes_, strides_;
  uint32_t version_ = 0;
};

// Keeps a Prepared(kernels, weight), and makes it anew for another weight and
// after the parameter changed (an optimizer's step, loaded weights).
// Thread-safe. Only where kKernels() is not null.
template <typename Prepared, auto kKernels = &BestKernels>
class WeightCache {
 public:
  std::shared_ptr<const Prepared> Get(const torch::Tensor& weight) {
    TORCH_CHECK(weight.is_cpu(), "networks::cpu: the weight is on ",
                weight.device(), ", the image on the CPU");
    std::lock_guard<std::mutex> lock(mutex_);
    if (prepared_ == nullptr || !made_of_.Is(weight)) {
      prepared_ = std::make_shared<Prepared>(*kKernels(), weight);
      made_of_ = WeightIdentity(weight);
    }
    return prepared_;
  }

 private:
  std::mutex mutex_;
  WeightIdentity made_of_;
  std::shared_ptr<const Prepared> prepared_;
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WEIGHT_CACHE_H_
