#include "networks/scoped_seed.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace networks {
namespace {

// An odd count, so that a normal number is left over in the generator's state.
torch::Tensor Draw() { return torch::cat({torch::randn({7}), torch::rand(3)}); }

TEST(ScopedSeed, GivesTheNumbersOfManualSeed) {
  torch::manual_seed(11);
  const torch::Tensor expected = Draw();
  Draw();
  const ScopedSeed scope(11);
  EXPECT_TRUE(torch::equal(Draw(), expected));
}

TEST(ScopedSeed, LeavesTheGeneratorAsItWas) {
  torch::manual_seed(4);
  Draw();
  const torch::Tensor expected = Draw();
  torch::manual_seed(4);
  Draw();
  {
    const ScopedSeed scope(11);
    Draw();
  }
  EXPECT_TRUE(torch::equal(Draw(), expected));
}

TEST(ScopedSeed, GoesOnAfterAScopeInsideIt) {
  const ScopedSeed outer(1);
  const torch::Tensor expected = torch::cat({Draw(), Draw()});
  const ScopedSeed again(1);
  const torch::Tensor first = Draw();
  {
    const ScopedSeed inner(2);
    Draw();
  }
  EXPECT_TRUE(torch::equal(torch::cat({first, Draw()}), expected));
}

TEST(ScopedSeed, KeepsThreadsFromDrawingEachOthersNumbers) {
  const auto draw_much = [] {
    const ScopedSeed scope(5);
    std::vector<torch::Tensor> parts;
    for (int i = 0; i < 200; ++i) parts.push_back(Draw());
    return torch::cat(parts);
  };
  const torch::Tensor expected = draw_much();
  std::vector<torch::Tensor> drawn(4);
  std::vector<std::thread> threads;
  for (torch::Tensor& numbers : drawn) {
    threads.emplace_back([&] { numbers = draw_much(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const torch::Tensor& numbers : drawn) {
    EXPECT_TRUE(torch::equal(numbers, expected));
  }
}

}  // namespace
}  // namespace networks
