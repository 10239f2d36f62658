#include "networks/scoped_seed.h"

#include <ATen/CPUGeneratorImpl.h>

namespace networks {
namespace {

std::recursive_mutex& ScopeMutex() {
  static auto* mutex = new std::recursive_mutex;  // lives to the process's end
  return *mutex;
}

torch::Tensor State() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

}  // namespace

ScopedSeed::ScopedSeed(uint64_t seed) : lock_(ScopeMutex()), before_(State()) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
}

ScopedSeed::~ScopedSeed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(before_);
}

}  // namespace networks
