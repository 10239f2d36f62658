// Processes are threads here: see testing_group.h.
#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/batch_norm.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/parallel/free_port.h"
#include "pipelines/parallel/gradient_reducer.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/parallel/process_group.h"
#include "pipelines/parallel/testing_group.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::parallel {
namespace {

using ::absl::StatusCode;
using ::networks::test_util::TensorNear;
using ::testing::HasSubstr;

torch::Tensor RandomInput(int64_t batch) {
  torch::manual_seed(5);
  return torch::randn({batch, 3, 4, 5}) * 2 + 7;
}

torch::Tensor Part(const torch::Tensor& x, const ProcessGroup& group) {
  const int64_t size = x.size(0) / group.size();
  return x.narrow(0, group.rank() * size, size);
}

TEST(ProcessGroup, SumsAndBroadcasts) {
  RunTogether(3, [](const std::shared_ptr<ProcessGroup>& group) {
    const torch::Tensor x = torch::full({2, 2}, group->rank() + 1.0);
    group->Sum(x);
    EXPECT_TRUE(torch::equal(x, torch::full({2, 2}, 6.0)));
    const torch::Tensor y = torch::full({3}, group->rank() + 4.0);
    group->Broadcast(y);
    EXPECT_TRUE(torch::equal(y, torch::full({3}, 4.0)));
    std::string text = group->rank() == 0 ? std::string("a\0b", 3) : "other";
    group->Broadcast(&text);
    EXPECT_EQ(text, std::string("a\0b", 3));
  });
}

// Texts of other lengths, an empty one, and one with every kind of byte.
TEST(ProcessGroup, GathersTextsByRank) {
  const std::vector<std::string> texts = {std::string("\0a\xff", 3), "",
                                          "longer than that"};
  RunTogether(3, [&](const std::shared_ptr<ProcessGroup>& group) {
    EXPECT_EQ(group->Gather(texts[group->rank()]), texts);
    EXPECT_THAT(group->Gather(""), testing::ElementsAre("", "", ""));
  });
}

TEST(ProcessGroup, DifferentiableSumAddsUpGradients) {
  RunTogether(2, [](const std::shared_ptr<ProcessGroup>& group) {
    const double weight = group->rank() + 1;
    const torch::Tensor x = torch::ones({2}, torch::requires_grad());
    const torch::Tensor sum = group->DifferentiableSum(x);
    EXPECT_TRUE(torch::equal(sum, torch::full({2}, 2.0f)));
    (weight * sum).sum().backward();
    EXPECT_TRUE(torch::equal(x.grad(), torch::full({2}, 3.0f)));
  });
}

// Forward, gradients and running statistics. Values of order 1 to 10, sums of
// 160 of them: 1e-5 is a hundred roundings.
TEST(BatchNorm, OfSeveralProcessesIsThatOfTheirBatchesTogether) {
  constexpr double kTolerance = 1e-5;
  const torch::Tensor x = RandomInput(8);
  torch::manual_seed(6);
  const torch::Tensor weights = torch::randn({8, 3, 4, 5});
  networks::BatchNorm2d whole(3);
  const torch::Tensor whole_x = x.clone().requires_grad_();
  const torch::Tensor expected = whole(whole_x);
  (expected * weights).sum().backward();
  RunTogether(2, [&](const std::shared_ptr<ProcessGroup>& group) {
    networks::BatchNorm2d part(3);
    part->ShareStatistics(
        [group](const torch::Tensor& t) { return group->DifferentiableSum(t); },
        group->size());
    const torch::Tensor part_x = Part(x, *group).clone().requires_grad_();
    const torch::Tensor output = part(part_x);
    (output * Part(weights, *group)).sum().backward();
    EXPECT_THAT(output, TensorNear(Part(expected, *group), kTolerance));
    EXPECT_THAT(part_x.grad(),
                TensorNear(Part(whole_x.grad(), *group), kTolerance));
    EXPECT_THAT(part->running_mean,
                TensorNear(whole->running_mean, kTolerance));
    EXPECT_THAT(part->running_var, TensorNear(whole->running_var, kTolerance));
    EXPECT_EQ(part->num_batches_tracked.item<int64_t>(), 1);
    const torch::Tensor gradient = part->weight.grad().clone();
    group->Sum(gradient);
    // Sums over the batch, ten times larger.
    EXPECT_THAT(gradient, TensorNear(whole->weight.grad(), 10 * kTolerance));
  });
}

TEST(BatchNorm, AloneIsLibTorchs) {
  const torch::Tensor x = RandomInput(4);
  networks::BatchNorm2d ours(3);
  torch::nn::BatchNorm2d theirs(3);
  EXPECT_TRUE(torch::equal(ours(x), theirs(x)));
  ours->eval();
  theirs->eval();
  EXPECT_TRUE(torch::equal(ours(x), theirs(x)));
}

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

TEST(ProcessGroup, SaysThatAPeerIsLost) {
  RunTogether(2, [](std::shared_ptr<ProcessGroup> group) {
    group->Barrier();
    if (group->rank() == 1) return;  // Its group goes with it.
    const absl::Time start = absl::Now();
    EXPECT_THROW(
        {
          try {
            for (;;) group->Barrier();
          } catch (const PeerLost& error) {
            EXPECT_THAT(error.what(), HasSubstr("process 0 of 2"));
            throw;
          }
        },
        PeerLost);
    EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  });
}

TEST(ProcessGroup, NamesTheAddressWhereNobodyIs) {
  ProcessEnvironment environment;
  environment.size = 2;
  environment.rank = 1;
  environment.address = "127.0.0.1";
  environment.port = FreePort();
  EXPECT_THAT(
      ProcessGroup::Join(environment, torch::kCPU, absl::Seconds(1)).status(),
      StatusIs(StatusCode::kUnavailable,
               HasSubstr(absl::StrCat("127.0.0.1:", environment.port))));
}

class ProcessEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
          "MASTER_PORT"}) {
      Set(name, std::nullopt);
    }
  }
  void Set(const char* name, const std::optional<std::string>& value) {
    variables_.push_back(std::make_unique<ScopedEnvironment>(name, value));
  }
  ~ProcessEnvironmentTest() override {
    while (!variables_.empty()) variables_.pop_back();
  }

 private:
  std::vector<std::unique_ptr<ScopedEnvironment>> variables_;
};

TEST_F(ProcessEnvironmentTest, IsOneProcessWithoutVariables) {
  const auto environment = ReadProcessEnvironment();
  ASSERT_THAT(environment, IsOk());
  EXPECT_FALSE(environment->is_parallel());
}

TEST_F(ProcessEnvironmentTest, ReadsTorchrunsVariables) {
  Set("WORLD_SIZE", "4");
  Set("RANK", "3");
  Set("LOCAL_RANK", "1");
  Set("LOCAL_WORLD_SIZE", "2");
  Set("MASTER_ADDR", "node0");
  Set("MASTER_PORT", "29500");
  const auto environment = ReadProcessEnvironment();
  ASSERT_THAT(environment, IsOk());
  EXPECT_EQ(environment->size, 4);
  EXPECT_EQ(environment->rank, 3);
  EXPECT_EQ(environment->local_rank, 1);
  EXPECT_EQ(environment->local_size, 2);
  EXPECT_EQ(environment->address, "node0");
  EXPECT_EQ(environment->port, 29500);
}

TEST_F(ProcessEnvironmentTest, NamesTheVariableThatIsMissingOrWrong) {
  Set("WORLD_SIZE", "2");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("RANK")));
  Set("RANK", "2");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'2'")));
  Set("RANK", "1");
  Set("MASTER_PORT", "123");
  EXPECT_THAT(ReadProcessEnvironment(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("MASTER_ADDR")));
}

}  // namespace
}  // namespace pipelines::parallel
