#include "pipelines/parallel/gradient_reducer.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/parallel/testing_group.h"

namespace pipelines::parallel {
namespace {

using ::networks::test_util::TensorNear;

struct Layers {
  Layers() {
    torch::manual_seed(7);
    first = torch::nn::Linear(4, 5);
    second = torch::nn::Linear(5, 2);
    unused = torch::nn::Linear(3, 3);
  }
  torch::Tensor Loss(const torch::Tensor& x) {
    return second(first(x).tanh()).square().mean();
  }
  std::vector<torch::Tensor> Parameters() const {
    return {second->bias, second->weight, unused->weight, first->bias,
            first->weight};
  }
  torch::nn::Linear first = nullptr, second = nullptr, unused = nullptr;
};

// With small buckets, a large one, and a parameter that holds its bucket back.
TEST(GradientReducer, AveragesGradients) {
  torch::manual_seed(8);
  const torch::Tensor x = torch::randn({6, 4});
  Layers whole;
  whole.Loss(x).backward();
  for (const int64_t bucket_bytes : {1, 40, 1000000}) {
    RunTogether(2, [&](const std::shared_ptr<ProcessGroup>& group) {
      // Seeds are of the program.
      static std::mutex seeding;
      std::unique_lock<std::mutex> lock(seeding);
      Layers part;
      lock.unlock();
      GradientReducer reducer(group, part.Parameters(), bucket_bytes);
      for (int step = 0; step < 2; ++step) {
        for (const torch::Tensor& p : part.Parameters()) {
          p.mutable_grad().reset();
        }
        reducer.Begin();
        part.Loss(Part(x, *group)).backward();
        reducer.Finish();
        EXPECT_FALSE(part.unused->weight.grad().defined());
        EXPECT_THAT(part.first->weight.grad(),
                    TensorNear(whole.first->weight.grad(), 1e-7));
        EXPECT_THAT(part.second->bias.grad(),
                    TensorNear(whole.second->bias.grad(), 1e-7));
      }
    });
  }
}

TEST(GradientReducer, AddsToGradientsOfEarlierBatches) {
  torch::manual_seed(8);
  const torch::Tensor x = torch::randn({8, 4});
  Layers whole;
  whole.Loss(x).backward();
  RunTogether(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    static std::mutex seeding;
    std::unique_lock<std::mutex> lock(seeding);
    Layers part;
    lock.unlock();
    GradientReducer reducer(group, part.Parameters());
    const torch::Tensor mine = Part(x, *group);
    (part.Loss(mine.narrow(0, 0, 2)) / 2).backward();
    reducer.Begin();
    (part.Loss(mine.narrow(0, 2, 2)) / 2).backward();
    reducer.Finish();
    EXPECT_THAT(part.first->weight.grad(),
                TensorNear(whole.first->weight.grad(), 1e-7));
  });
}

}  // namespace
}  // namespace pipelines::parallel
