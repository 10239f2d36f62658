#include "networks/exact_scope.h"

#include <ATen/Context.h>
#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/bfloat16_autocast.h"

namespace networks {
namespace {

TEST(ExactScope, SuspendsAutocast) {
  const torch::Tensor one = torch::ones({1, 1});
  const auto product_type = [&] { return torch::mm(one, one).scalar_type(); };
  const test_util::BFloat16Autocast autocast;
  ASSERT_EQ(product_type(), torch::kBFloat16);
  {
    const ExactScope exact(torch::kCPU);
    EXPECT_EQ(product_type(), torch::kFloat32);
    const ExactScope within(torch::kCPU);
  }
  EXPECT_EQ(product_type(), torch::kBFloat16);
}

// The flags are the process's and need no GPU.
TEST(ExactScope, SuspendsTf32) {
  at::Context& context = at::globalContext();
  const bool products = context.allowTF32CuBLAS();
  const bool convolutions = context.allowTF32CuDNN();
  for (const bool allowed : {false, true}) {
    context.setAllowTF32CuBLAS(allowed);
    context.setAllowTF32CuDNN(allowed);
    {
      const ExactScope exact(torch::kCUDA);
      EXPECT_FALSE(context.allowTF32CuBLAS());
      EXPECT_FALSE(context.allowTF32CuDNN());
    }
    EXPECT_EQ(context.allowTF32CuBLAS(), allowed);
    EXPECT_EQ(context.allowTF32CuDNN(), allowed);
  }
  context.setAllowTF32CuBLAS(products);
  context.setAllowTF32CuDNN(convolutions);
}

TEST(WithAllDigits, LengthensShortTypesOnly) {
  const torch::Tensor x = torch::ones({2});
  EXPECT_EQ(WithAllDigits(x.to(torch::kBFloat16)).scalar_type(),
            torch::kFloat32);
  EXPECT_EQ(WithAllDigits(x.to(torch::kHalf)).scalar_type(), torch::kFloat32);
  EXPECT_TRUE(WithAllDigits(x).is_same(x));
  EXPECT_EQ(WithAllDigits(x.to(torch::kFloat64)).scalar_type(),
            torch::kFloat64);
}

}  // namespace
}  // namespace networks
