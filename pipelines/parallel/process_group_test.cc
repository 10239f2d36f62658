#include "pipelines/parallel/process_group.h"

#include <torch/cuda.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/parallel/free_port.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/parallel/testing_group.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::parallel {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

// As PyTorch has it, names with commas between them.
TEST(ProcessGroup, TakesSeveralNetworks) {
  const ScopedEnvironment networks("GLOO_SOCKET_IFNAME", "lo,lo");
  RunTogether(2, [](const std::shared_ptr<ProcessGroup>& group) {
    for (int i = 0; i < 4; ++i) {  // so that each network takes part
      const torch::Tensor x = torch::ones({2});
      group->Sum(x);
      EXPECT_TRUE(torch::equal(x, torch::full({2}, 2.0f)));
    }
  });
}

TEST(ProcessGroup, SumsAndBroadcasts) {
  RunTogether(3, [](const std::shared_ptr<ProcessGroup>& group) {
    const torch::Tensor x = torch::full({2, 2}, group->rank() + 1.0);
    group->Sum(x);
    EXPECT_TRUE(torch::equal(x, torch::full({2, 2}, 6.0)));
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

TEST(ProcessGroup, SaysThatAPeerIsLost) {
  RunTogether(2, [](std::shared_ptr<ProcessGroup> group) {
    const torch::Tensor arrived = torch::zeros({1});
    group->Sum(arrived);
    if (group->rank() == 1) return;  // Its group goes with it.
    const absl::Time start = absl::Now();
    EXPECT_THROW(
        {
          try {
            for (;;) group->Sum(arrived);
          } catch (const PeerLost& error) {
            EXPECT_THAT(error.what(), HasSubstr("process 0 of 2"));
            throw;
          }
        },
        PeerLost);
    EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  });
}

// NCCL refuses two processes of one GPU, so this is a group of one.
TEST(ProcessGroup, OfOneProcessOnAGpu) {
  if (!torch::cuda::is_available()) {
    GTEST_SKIP() << "no CUDA device: NCCL is not tested";
  }
  ProcessEnvironment environment;
  environment.address = "127.0.0.1";
  environment.port = FreePort();
  const torch::Device device(torch::kCUDA, 0);
  const auto group = ProcessGroup::Join(environment, device, absl::Seconds(60));
  ASSERT_THAT(group, IsOk());
  const torch::Tensor x = torch::full({3}, 4.0, device);
  (*group)->Sum(x);
  EXPECT_TRUE(torch::equal(x.cpu(), torch::full({3}, 4.0)));
  std::string text = "text";
  (*group)->Broadcast(&text);
  EXPECT_THAT((*group)->Gather(text), testing::ElementsAre("text"));
  const torch::Tensor y = torch::ones({2}, device).requires_grad_();
  (2 * (*group)->DifferentiableSum(y)).sum().backward();
  EXPECT_TRUE(torch::equal(y.grad().cpu(), torch::full({2}, 2.0f)));
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

}  // namespace
}  // namespace pipelines::parallel
