// What every test that uses LibTorch would otherwise parse again, as
// torch_pch.h.
#ifndef THIRD_PARTY_LIBTORCH_TORCH_TEST_PCH_H_
#define THIRD_PARTY_LIBTORCH_TORCH_TEST_PCH_H_

#include <torch/torch.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#endif  // THIRD_PARTY_LIBTORCH_TORCH_TEST_PCH_H_
