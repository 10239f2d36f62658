// LibTorch is linked, has a fast BLAS behind it and can differentiate.
#include <torch/torch.h>

#include "gtest/gtest.h"

namespace {

TEST(LibTorch, Differentiates) {
  torch::Tensor x = torch::ones({2, 2}, torch::requires_grad());
  (3 * x * x).sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), torch::full({2, 2}, 6.0f)));
}

}  // namespace
