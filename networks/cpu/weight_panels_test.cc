#include "networks/cpu/weight_panels.h"

#include <torch/types.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace networks::cpu {
namespace {

using torch::Tensor;

TEST(PackPanels, PutsEachPanelsColumnsTogetherAndZerosBehindTheLast) {
  const Tensor matrix = torch::arange(6, torch::kFloat32).view({2, 3});
  const Tensor expected = torch::tensor({0.f, 1.f, 3.f, 4.f,  // columns 0 and 1
                                         2.f, 0.f, 5.f, 0.f})
                              .view({2, 2, 2});
  const Tensor panels = PackPanels(matrix, /*row_dims=*/1, 2);
  EXPECT_TRUE(torch::equal(panels, expected));
  EXPECT_TRUE(panels.is_contiguous());
}

TEST(PackPanels, AddsNoPanelToAWholeNumberOfThem) {
  EXPECT_EQ(PackPanels(torch::ones({5, 8}), /*row_dims=*/1, 4).sizes(),
            torch::IntArrayRef({2, 5, 4}));
}

TEST(PackPanels, TakesDimensionsTogetherWhateverTheirStrides) {
  const Tensor weight = torch::rand({5, 4, 3, 2});
  const Tensor permuted = weight.permute({3, 1, 2, 0});
  EXPECT_TRUE(torch::equal(PackPanels(permuted, /*row_dims=*/2, 4),
                           PackPanels(permuted.reshape({8, 15}), 1, 4)));
}

TEST(CopyTaps, CopiesWhatLeadsFromOneInputWhateverTheStrides) {
  const Tensor weight = torch::rand({4, 5, 3, 3});
  for (const Tensor& x : {weight, weight.flip({2, 3}).transpose(0, 1)}) {
    Tensor taps = torch::empty({9, x.size(0)});
    CopyTaps(x, 2, taps.data_ptr<float>());
    EXPECT_TRUE(
        torch::equal(taps, x.select(1, 2).permute({1, 2, 0}).reshape({9, -1})));
  }
}

TEST(CheckSquareWeight, NamesTheCaller) {
  CheckSquareWeight("Convolution", torch::zeros({2, 3, 5, 5}));
  for (const Tensor& wrong :
       {torch::zeros({2, 3, 5}), torch::zeros({2, 3, 2, 2}),
        torch::zeros({2, 3, 3, 1})}) {
    try {
      CheckSquareWeight("Convolution", wrong);
      ADD_FAILURE() << wrong.sizes();
    } catch (const c10::Error& error) {
      EXPECT_THAT(error.msg(),
                  ::testing::HasSubstr("Convolution: weight must"));
    }
  }
}

}  // namespace
}  // namespace networks::cpu
