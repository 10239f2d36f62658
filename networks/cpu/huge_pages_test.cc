#include "networks/cpu/huge_pages.h"

#include <torch/types.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace networks::cpu {
namespace {

TEST(EmptyInHugePages, IsATensorOfTheSizeAskedFor) {
  // Without an element, far below, just below, at and beyond a page of 2 MB.
  constexpr int64_t kPage = (int64_t{2} << 20) / 4;
  for (const int64_t size :
       {int64_t{0}, int64_t{3}, kPage - 1, kPage, kPage + 1}) {
    torch::Tensor x = EmptyInHugePages({1, size}, torch::kFloat32);
    EXPECT_EQ(x.sizes(), torch::IntArrayRef({1, size}));
    EXPECT_EQ(x.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(x.is_contiguous());
    EXPECT_EQ(x.fill_(1).sum().item<double>(), size);
  }
}

TEST(EmptyInHugePages, BeginsAtAVector) {
  for (const int64_t rows : {1, 3, 5}) {
    const torch::Tensor x =
        EmptyInHugePages({rows, int64_t{1} << 20}, torch::kBFloat16);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(x.data_ptr()) % 64, 0u);
  }
}

#if defined(__GLIBC__)
// As in programs that keep freed memory for themselves.
TEST(EmptyInHugePages, LeavesNoGapsInTheHeap) {
  if (mallopt(M_MMAP_MAX, 0) != 1) {
    GTEST_SKIP() << "the allocator is not the C library's";
  }
  constexpr int64_t kTensors = 16, kBytes = int64_t{4} << 20;
  std::vector<torch::Tensor> tensors;
  std::vector<uintptr_t> begins;
  for (int64_t i = 0; i < kTensors; ++i) {
    tensors.push_back(EmptyInHugePages({kBytes / 4}, torch::kFloat32));
    begins.push_back(reinterpret_cast<uintptr_t>(tensors.back().data_ptr()));
  }
  const auto [first, last] = std::minmax_element(begins.begin(), begins.end());
  // Less than a page of 2 MB between all of them together.
  EXPECT_LT(*last - *first, uintptr_t{(kTensors - 1) * kBytes + (2 << 20)});
}
#endif

}  // namespace
}  // namespace networks::cpu
