// What every file but a test's that uses LibTorch would otherwise parse again
// (25 s on a small machine, 4 s from the precompiled header). Sources still
// include what they use: with --config=gcc this file is not used at all.
#ifndef THIRD_PARTY_LIBTORCH_TORCH_PCH_H_
#define THIRD_PARTY_LIBTORCH_TORCH_PCH_H_

#include <torch/torch.h>

#endif  // THIRD_PARTY_LIBTORCH_TORCH_PCH_H_
