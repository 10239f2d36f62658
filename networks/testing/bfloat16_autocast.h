// Autocast for tests below //pipelines, whose AutocastScope takes a config's
// precision.
#ifndef NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_
#define NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_

#include <c10/core/Device.h>

#include "third_party/libtorch/autocast_state.h"

namespace networks::test_util {

// While it lives, autocast to bfloat16 is on for the CPU.
class BFloat16Autocast {
 public:
  BFloat16Autocast() { libtorch::SetAutocast(c10::kCPU, true); }
  ~BFloat16Autocast() {
    libtorch::SetAutocast(c10::kCPU, false);
    at::autocast::clear_cache();
  }
  BFloat16Autocast(const BFloat16Autocast&) = delete;
  BFloat16Autocast& operator=(const BFloat16Autocast&) = delete;
};

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_
