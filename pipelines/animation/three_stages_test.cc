#include "pipelines/animation/three_stages.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// Counts to `n`, doubles, collects.
struct Doubling {
  explicit Doubling(int n) {
    stages.read = [this, n]() -> absl::StatusOr<std::optional<int>> {
      if (next == n) return std::nullopt;
      return next++;
    };
    stages.compute =
        [this](std::vector<int> batch) -> absl::StatusOr<std::vector<int>> {
      batches.push_back(batch.size());
      for (int& value : batch) value *= 2;
      return batch;
    };
    stages.write = [this](int value) {
      written.push_back(value);
      return absl::OkStatus();
    };
  }

  ThreeStages<int, int> stages;
  std::atomic<int> next{0};
  std::vector<size_t> batches;
  std::vector<int> written;
  StageSeconds seconds;
};

TEST(ThreeStages, WritesAllInOrderInFullBatches) {
  Doubling run(11);
  run.stages.batch_size = 4;
  ASSERT_THAT(run.stages.Run(&run.seconds), IsOk());
  EXPECT_THAT(run.written,
              ElementsAreArray({0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20}));
  EXPECT_THAT(run.batches, ElementsAreArray({4, 4, 3}));
}

TEST(ThreeStages, EndsWithoutInput) {
  Doubling run(0);
  EXPECT_THAT(run.stages.Run(&run.seconds), IsOk());
  EXPECT_TRUE(run.written.empty());
}

TEST(ThreeStages, ThrowsInItsCallersThreadWhatAStageThrew) {
  Doubling reading(1000), computing(1000), writing(1000);
  reading.stages.read = []() -> absl::StatusOr<std::optional<int>> {
    throw std::bad_alloc();
  };
  computing.stages.compute =
      [](std::vector<int>) -> absl::StatusOr<std::vector<int>> {
    throw std::bad_alloc();
  };
  writing.stages.write = [](int) -> absl::Status { throw std::bad_alloc(); };
  for (Doubling* run : {&reading, &computing, &writing}) {
    EXPECT_THROW(run->stages.Run(&run->seconds).IgnoreError(), std::bad_alloc);
  }
}

TEST(ThreeStages, ReturnsTheErrorOfEachStage) {
  Doubling reading(1000);
  reading.stages.read = []() -> absl::StatusOr<std::optional<int>> {
    return absl::DataLossError("torn");
  };
  EXPECT_THAT(reading.stages.Run(&reading.seconds),
              StatusIs(StatusCode::kDataLoss, HasSubstr("torn")));
  Doubling computing(1000);
  computing.stages.compute =
      [](std::vector<int>) -> absl::StatusOr<std::vector<int>> {
    return absl::InternalError("sum");
  };
  EXPECT_THAT(computing.stages.Run(&computing.seconds),
              StatusIs(StatusCode::kInternal, HasSubstr("sum")));
  Doubling writing(1000);
  writing.stages.write = [](int) {
    return absl::ResourceExhaustedError("disk full");
  };
  EXPECT_THAT(writing.stages.Run(&writing.seconds),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("disk")));
  EXPECT_LT(writing.next, 20) << "reading goes on after the disk is full";
}

// The reader must never be farther ahead than the queues are long.
TEST(ThreeStages, HoldsFewItemsHoweverSlowTheWriter) {
  Doubling run(200);
  int most_ahead = 0, written = 0;
  run.stages.write = [&](int) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    most_ahead = std::max(most_ahead, run.next - ++written);
    return absl::OkStatus();
  };
  ASSERT_THAT(run.stages.Run(&run.seconds), IsOk());
  // Two queues of 2 and one in the hands of each stage.
  EXPECT_LE(most_ahead, 7);
}

TEST(ThreeStages, DropsLiveInputsThatComeTooFast) {
  Doubling run(500);
  run.stages.live = true;
  run.stages.compute =
      [](std::vector<int> batch) -> absl::StatusOr<std::vector<int>> {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return batch;
  };
  ASSERT_THAT(run.stages.Run(&run.seconds), IsOk());
  ASSERT_FALSE(run.written.empty());
  EXPECT_LT(run.written.size(), 500u);
  EXPECT_EQ(run.written.back(), 499);  // never the newest
}

}  // namespace
}  // namespace pipelines
