// What every source that uses LibTorch includes: 25 s on a small machine.
#ifndef THIRD_PARTY_PRECOMPILED_TORCH_H_
#define THIRD_PARTY_PRECOMPILED_TORCH_H_

#include <torch/torch.h>

#endif  // THIRD_PARTY_PRECOMPILED_TORCH_H_
