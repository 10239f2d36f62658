#include "networks/cpu/huge_pages.h"

#include <torch/torch.h>

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

TEST(EmptyInHugePages, LargeTensorsBeginAtAPage) {
#if defined(__linux__)
  const torch::Tensor x =
      EmptyInHugePages({3, int64_t{1} << 20}, torch::kBFloat16);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(x.data_ptr()) % (2 << 20), 0u);
#endif
}

}  // namespace
}  // namespace networks::cpu
