#include "pipelines/base/joined_threads.h"

#include <atomic>
#include <cerrno>
#include <system_error>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

// Cannot be started more than `allowed` times, as where the system refuses.
struct Counting {
  Counting(std::atomic<int>* allowed, std::atomic<int>* ended)
      : allowed(allowed), ended(ended) {}
  Counting(const Counting& other) : Counting(other.allowed, other.ended) {
    if (--*allowed < 0) throw std::system_error(EAGAIN, std::system_category());
  }
  Counting(Counting&& other) noexcept = default;

  void operator()() const {
    absl::SleepFor(absl::Milliseconds(10));
    ++*ended;
  }

  std::atomic<int>* allowed;
  std::atomic<int>* ended;
};

TEST(JoinedThreads, HaveEndedWhenTheirObjectHas) {
  std::atomic<int> allowed = 4, ended = 0;
  {
    JoinedThreads threads;
    EXPECT_THAT(threads.Start(3, Counting(&allowed, &ended)), IsOk());
    EXPECT_THAT(threads.Start(1, Counting(&allowed, &ended)), IsOk());
  }
  EXPECT_EQ(ended, 4);
}

TEST(JoinedThreads, AreFewerWhereTheSystemRefuses) {
  std::atomic<int> allowed = 2, ended = 0;
  {
    JoinedThreads threads;
    EXPECT_THAT(threads.Start(5, Counting(&allowed, &ended)), IsOk());
  }
  EXPECT_EQ(ended, 2);
}

TEST(JoinedThreads, FailWhereThereWouldBeNone) {
  std::atomic<int> allowed = 0, ended = 0;
  JoinedThreads threads;
  EXPECT_THAT(threads.Start(0, Counting(&allowed, &ended)), IsOk());
  EXPECT_THAT(threads.Start(5, Counting(&allowed, &ended)),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("start no more threads")));
  EXPECT_TRUE(threads.empty());
}

}  // namespace
}  // namespace pipelines
