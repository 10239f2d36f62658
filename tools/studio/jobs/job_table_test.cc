#include "tools/studio/jobs/job_table.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobTableTest : public testing::Test {
 protected:
  Job Named(const std::string& id) {
    Job job;
    job.id = id;
    job.created = absl::UnixEpoch() + absl::Seconds(num_jobs_++);
    return job;
  }
  Job Ended(const std::string& id, int seconds) {
    Job job = Named(id);
    job.state = JobState::kDone;
    job.ended = absl::UnixEpoch() + absl::Seconds(seconds);
    return job;
  }
  void Queue(const std::string& id) { table_.AddQueued(Named(id), {}); }

  int num_jobs_ = 0;
  std::vector<Job> saved_;
  JobTable table_{[this](const Job& job) { saved_.push_back(job); }};
};

TEST_F(JobTableTest, GivesJobsInTheOrderInWhichTheyCame) {
  Queue("b");
  Queue("a");
  EXPECT_EQ(table_.Get("b")->position, 1);
  EXPECT_EQ(table_.Get("a")->position, 2);
  const std::optional<NextJob> next = table_.Next();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->job.id, "b");
  EXPECT_EQ(next->job.state, JobState::kRunning);
  EXPECT_EQ(table_.Get("b")->position, 0);
  EXPECT_EQ(table_.Get("a")->position, 1);
  EXPECT_EQ(table_.List().front().id, "a");  // the newest first
}

TEST_F(JobTableTest, APlaceInTheQueueIsGivenBackWhenTheJobStartsOrIsCancelled) {
  const auto place = std::make_shared<int>(0);
  for (const char* id : {"first", "second"}) {
    JobWork work;
    work.place = place;
    table_.AddQueued(Named(id), std::move(work));
  }
  EXPECT_EQ(place.use_count(), 3);
  ASSERT_TRUE(table_.Next().has_value());
  EXPECT_EQ(place.use_count(), 2);
  ASSERT_THAT(table_.Cancel("second"), IsOk());
  EXPECT_EQ(place.use_count(), 1);
}

TEST_F(JobTableTest, CancelsAQueuedJobAtOnceAndARunningOneByItsRunner) {
  Queue("running");
  Queue("queued");
  Queue("behind");
  ASSERT_TRUE(table_.Next().has_value());
  const auto cancelled = table_.Cancel("queued");
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state, JobState::kCancelled);
  EXPECT_EQ(cancelled->error->code, "cancelled");
  ASSERT_EQ(saved_.size(), 1U);
  EXPECT_EQ(saved_[0].id, "queued");
  EXPECT_EQ(saved_[0].state, JobState::kCancelled);
  EXPECT_EQ(table_.Get("behind")->position, 1);

  EXPECT_FALSE(table_.IsCancelled("running"));
  EXPECT_EQ(table_.Cancel("running")->state, JobState::kRunning);
  EXPECT_TRUE(table_.IsCancelled("running"));
  EXPECT_FALSE(table_.IsCancelled("behind"));
}

TEST_F(JobTableTest, RemovesWhatHasEndedAndNobodyHolds) {
  table_.AddEnded(Ended("done", 10));
  Queue("queued");
  EXPECT_THAT(table_.Remove("queued"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("queued")));
  {
    const auto hold = table_.Hold("done");
    ASSERT_THAT(hold, IsOk());
    EXPECT_THAT(table_.Remove("done"), StatusIs(StatusCode::kFailedPrecondition,
                                                HasSubstr("converted")));
  }
  EXPECT_THAT(table_.Remove("done"), IsOk());
  EXPECT_THAT(table_.Remove("done"),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
  EXPECT_THAT(table_.Hold("done"),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
}

TEST_F(JobTableTest, KnowsWhatEndedBeforeATime) {
  table_.AddEnded(Ended("old", 10));
  table_.AddEnded(Ended("new", 20));
  Queue("queued");
  EXPECT_THAT(table_.EndedBefore(absl::UnixEpoch() + absl::Seconds(20)),
              ElementsAre("old"));
}

TEST_F(JobTableTest, EachChangeRaisesTheVersionOfAJob) {
  Queue("job");
  Queue("behind");
  int64_t version = table_.Get("job")->version;
  const auto changed = [&] {
    const int64_t before = std::exchange(version, table_.Get("job")->version);
    return version > before;
  };
  const int64_t behind = table_.Get("behind")->version;
  ASSERT_TRUE(table_.Next().has_value());
  EXPECT_TRUE(changed());
  EXPECT_GT(table_.Get("behind")->version, behind);  // it has moved up
  JobProgress progress;
  progress.done = 3;
  table_.SetProgress("job", progress);
  EXPECT_TRUE(changed());
  table_.SetFrame("job", 2, "PNG");
  EXPECT_TRUE(changed());
  EXPECT_EQ(table_.Get("job")->latest_frame, 2);
  EXPECT_THAT(table_.LatestFrame("job"), IsOkAndHolds("PNG"));
  Job job = *table_.Get("job");
  job.state = JobState::kDone;
  table_.End(job);
  EXPECT_TRUE(changed());
  EXPECT_EQ(table_.Get("job")->latest_frame, -1);
  EXPECT_THAT(table_.LatestFrame("job"), IsOkAndHolds(""));
}

TEST_F(JobTableTest, WaitEndsWithAChangeTheEndOrTheTime) {
  Queue("job");
  const int64_t version = table_.Get("job")->version;
  EXPECT_EQ(table_.Wait("job", version, absl::Milliseconds(20))->version,
            version);
  std::thread runner([this] { table_.Next(); });
  const auto running = table_.Wait("job", version, absl::Minutes(1));
  runner.join();
  ASSERT_THAT(running, IsOk());
  EXPECT_EQ(running->state, JobState::kRunning);
  EXPECT_THAT(table_.Wait("none", 0, absl::Minutes(1)),
              StatusIs(StatusCode::kNotFound, HasSubstr("no job")));
}

TEST_F(JobTableTest, StopEndsWhoWaits) {
  table_.AddEnded(Ended("done", 1));
  Queue("job");
  ASSERT_TRUE(table_.Next().has_value());
  std::thread reader([this] {
    EXPECT_THAT(table_.Wait("job", int64_t{1} << 40, absl::Minutes(1)), IsOk());
  });
  std::thread runner([this] { EXPECT_FALSE(table_.Next().has_value()); });
  EXPECT_FALSE(table_.is_stopping());
  table_.Stop();
  reader.join();
  runner.join();
  EXPECT_TRUE(table_.is_stopping());
  Queue("later");
  EXPECT_FALSE(table_.Next().has_value());
}

}  // namespace
}  // namespace studio
