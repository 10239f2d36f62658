// Autocast for tests below //pipelines, whose AutocastScope takes a config's
// precision.
#ifndef NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_
#define NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_

#include <c10/core/Device.h>

#include "third_party/libtorch/autocast_state.h"

namespace networks::test_util {

// While it lives, autocast to bfloat16 is on for the CPU.
class BFloat16Autocast {
 private:
  libtorch::AutocastScope scope_{{c10::kCPU, true, at::kBFloat16}};
};

}  // namespace networks::test_util

#endif  // NETWORKS_TESTING_BFLOAT16_AUTOCAST_H_
