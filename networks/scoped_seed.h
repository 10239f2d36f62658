// Random initial values by a seed, without a trace in the process.
//
// Modules draw their initial values from LibTorch's default generator on the
// CPU, which is one for the whole process. Code that makes a module by a seed
// seeds that generator in a scope of this class. Where values are drawn
// directly, a generator of one's own (at::CPUGeneratorImpl) needs no scope.
#ifndef NETWORKS_SCOPED_SEED_H_
#define NETWORKS_SCOPED_SEED_H_

#include <torch/types.h>

#include <cstdint>
#include <mutex>

namespace networks {

// From its construction on, the default generator on the CPU gives the numbers
// that it gives after torch::manual_seed(seed); at the end it goes on where it
// was before. Generators of other devices stay as they are.
//
// Scopes of several threads wait for each other, so that none draws another's
// numbers; in one thread they may be nested. Draws of a thread that holds no
// scope are not kept out.
class ScopedSeed {
 public:
  explicit ScopedSeed(uint64_t seed);
  ~ScopedSeed();
  ScopedSeed(const ScopedSeed&) = delete;
  ScopedSeed& operator=(const ScopedSeed&) = delete;

 private:
  const std::lock_guard<std::recursive_mutex> lock_;
  const torch::Tensor before_;  // the generator's state
};

}  // namespace networks

#endif  // NETWORKS_SCOPED_SEED_H_
