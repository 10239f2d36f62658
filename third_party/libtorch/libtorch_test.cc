// LibTorch is linked, has a fast BLAS behind it, can differentiate and spreads
// loops over threads.
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <atomic>
#include <cstdint>

#include "gtest/gtest.h"

namespace {

TEST(LibTorch, Differentiates) {
  torch::Tensor x = torch::ones({2, 2}, torch::requires_grad());
  (3 * x * x).sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), torch::full({2, 2}, 6.0f)));
}

TEST(LibTorch, RunsLoopsOnSeveralThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::atomic<int> parts(0);
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) { ++parts; });
  at::set_num_threads(threads);
  EXPECT_EQ(parts, 2);
}

}  // namespace
