#include "pipelines/model/operator_profile.h"

#include <time.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using Entries = std::map<std::string, OperatorProfile::Entry>;

int64_t CallsOf(const Entries& entries, const std::string& name) {
  const auto found = entries.find(name);
  return found == entries.end() ? 0 : found->second.calls;
}

OperatorProfile::Entry SumOf(const Entries& entries) {
  OperatorProfile::Entry sum;
  for (const auto& [name, entry] : entries) {
    sum.seconds += entry.seconds;
    sum.calls += entry.calls;
    sum.operations += entry.operations;
  }
  return sum;
}

double ProcessorSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

// What kernels of networks/cpu say of themselves.
void RecordKernel(const torch::Tensor& x, int64_t operations) {
  RECORD_USER_SCOPE_WITH_INPUTS("kernel",
                                std::vector<c10::IValue>({x, operations}));
}

TEST(OperatorProfile, CountsCallsByStageOperatorAndSize) {
  const torch::Tensor x = torch::ones({2, 3}), y = torch::ones({4});
  OperatorProfile profile;
  torch::relu(x);
  profile.BeginStage("first");
  torch::relu(x);
  torch::relu(x);
  torch::relu(y);
  profile.BeginStage("second");
  torch::relu(y.to(torch::kBFloat16));
  EXPECT_EQ(CallsOf(profile.by_size(), "start, aten::relu, 2x3"), 1);
  EXPECT_EQ(CallsOf(profile.by_size(), "first, aten::relu, 2x3"), 2);
  EXPECT_EQ(CallsOf(profile.by_size(), "first, aten::relu, 4"), 1);
  EXPECT_EQ(CallsOf(profile.by_size(), "second, aten::relu, 4 bfloat16"), 1);
  EXPECT_EQ(CallsOf(profile.by_operator(), "first, aten::relu"), 3);
  EXPECT_EQ(CallsOf(profile.by_operator(), "second, aten::relu"), 1);
  EXPECT_EQ(profile.by_stage().size(), 3u);
}

// An operator's time is that of neither its callers nor of what it calls, so
// that all times together are no longer than what was observed.
TEST(OperatorProfile, CountsProcessorTimeOnce) {
  const torch::Tensor x = torch::ones({300, 300});
  const double begin = ProcessorSeconds();
  OperatorProfile profile;
  profile.BeginStage("products");
  for (int i = 0; i < 10; ++i) torch::linear(x, x, x[0]);
  profile.BeginStage("end");
  const double whole = ProcessorSeconds() - begin;
  const double seconds = SumOf(profile.by_size()).seconds;
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, whole);
  const Entries entries = profile.by_operator();
  const auto caller = entries.at("products, aten::linear");
  const auto callee = entries.at("products, aten::addmm");
  EXPECT_EQ(caller.calls, 10);
  EXPECT_EQ(callee.calls, 10);
  // All but the call of the product, which has 27 million multiplications.
  EXPECT_GT(callee.seconds, caller.seconds);
}

TEST(OperatorProfile, HasTheSameSumsHoweverItIsGrouped) {
  const torch::Tensor x = torch::ones({8, 8});
  OperatorProfile profile;
  for (const char* const stage : {"first", "second", "end"}) {
    profile.BeginStage(stage);
    torch::linear(x, x);
    RecordKernel(x, 500);
  }
  const OperatorProfile::Entry sum = SumOf(profile.by_size());
  for (const Entries& entries : {profile.by_operator(), profile.by_stage()}) {
    const OperatorProfile::Entry grouped = SumOf(entries);
    EXPECT_NEAR(grouped.seconds, sum.seconds, 1e-12);
    EXPECT_EQ(grouped.calls, sum.calls);
    EXPECT_EQ(grouped.operations, 1500);
  }
  EXPECT_THAT(
      profile.by_stage(),
      testing::ElementsAre(testing::Key("end"), testing::Key("first"),
                           testing::Key("second"), testing::Key("start")));
}

// select(x, dim, index) has a number above 0 after its tensor, too.
TEST(OperatorProfile, TakesOperationsFromKernelsOnly) {
  const torch::Tensor x = torch::ones({2, 3});
  OperatorProfile profile;
  RecordKernel(x, 1000);
  RecordKernel(x, 500);
  x.select(/*dim=*/1, /*index=*/2);
  const Entries entries = profile.by_size();
  EXPECT_EQ(entries.at("start, kernel, 2x3").operations, 1500);
  EXPECT_EQ(entries.at("start, aten::select, 2x3").operations, 0);
}

TEST(OperatorProfile, ObservesItsThreadWhileItLives) {
  const torch::Tensor x = torch::ones({5});
  {
    const OperatorProfile before;
    torch::relu(x);
  }
  torch::relu(x);
  OperatorProfile profile;
  std::thread([&x] { torch::relu(x); }).join();
  EXPECT_EQ(CallsOf(profile.by_size(), "start, aten::relu, 5"), 0);
  torch::relu(x);
  EXPECT_EQ(CallsOf(profile.by_size(), "start, aten::relu, 5"), 1);
}

TEST(OperatorProfile, PrintsTheLongestEntriesFirst) {
  const Entries entries = {{"a, short", {0.001, 2, 0}},
                           {"b, long", {0.006, 4, 18e9}},
                           {"c, shorter", {0.0005, 2, 0}}};
  EXPECT_EQ(OperatorProfile::Table(entries, /*repetitions=*/2, /*most=*/2),
            "      ms  share   calls  Gop/s\n"
            "    3.00  80.0%     2.0   3000  b, long\n"
            "    0.50  13.3%     1.0         a, short\n");
  EXPECT_EQ(OperatorProfile::Table({}, 1, 5),
            "      ms  share   calls  Gop/s\n");
}

}  // namespace
}  // namespace pipelines
